import { lookup } from 'node:dns/promises'
import type { Observer } from '../observe/events.ts'
import { normalizeIp } from '../util/ip.ts'

/** Turns a host name into addresses, the preferred one first. Rejects with an error that has a Node `code`. */
export type LookUp = (name: string) => Promise<readonly string[]>

export type Resolved =
  | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
  /** The log has the reason already. */
  | { readonly kind: 'failed' }

export interface Resolver {
  /** Never rejects. `timeoutMs` bounds this caller's wait, not the query itself. */
  resolve(name: string, timeoutMs: number): Promise<Resolved>
}

export const RESOLVE_LIMITS = {
  /** Dovecot waits this long unless `proxy_timeout` says otherwise. */
  timeoutMs: 10_000,
  /** A slower answer is worth a warning. */
  slowMs: 500,
  /** A storm of logins asks once; a changed record is seen soon. */
  cacheMs: 5_000,
  /** An error is remembered only for the storm that caused it. */
  failureCacheMs: 1_000,
  cacheEntries: 1_000,
  /** Longer is no host name (RFC 1035 §2.3.4). */
  nameLength: 255,
} as const

/** How long a login or a recipient waits for the lookup: `proxy_timeout` bounds it too when it is whole seconds. */
export function resolveTimeoutMs({ timeoutMs }: { readonly timeoutMs: number | undefined }): number {
  return timeoutMs !== undefined && timeoutMs % 1000 === 0 ? timeoutMs : RESOLVE_LIMITS.timeoutMs
}

interface Entry {
  readonly startedMs: number
  readonly answer: Promise<readonly string[]>
  /** While undefined the answer is awaited, and everybody awaits the same. */
  staleAtMs: number | undefined
}

/** Asks the system's resolver (hosts file included), with a small short-lived cache in front. */
export function createResolver(options: { observer: Observer; now?: () => number; lookUp?: LookUp }): Resolver {
  const { observer, now = Date.now, lookUp = systemLookUp } = options
  const entries = new Map<string, Entry>()

  function ask(name: string): Entry {
    const known = entries.get(name)
    if (known !== undefined && (known.staleAtMs === undefined || now() < known.staleAtMs)) return known
    const startedMs = now()
    const entry: Entry = { startedMs, answer: lookUp(name), staleAtMs: undefined }
    entries.delete(name)
    if (entries.size >= RESOLVE_LIMITS.cacheEntries) entries.delete(entries.keys().next().value ?? '')
    entries.set(name, entry)
    void settle(name, entry)
    return entry
  }

  async function settle(name: string, entry: Entry): Promise<void> {
    try {
      await entry.answer
      const tookMs = now() - entry.startedMs
      if (tookMs > RESOLVE_LIMITS.slowMs) {
        observer.log('warning', 'auth', `DNS lookup for ${name} took ${(tookMs / 1000).toFixed(3)} s`)
      }
      entry.staleAtMs = now() + RESOLVE_LIMITS.cacheMs
    } catch {
      entry.staleAtMs = now() + RESOLVE_LIMITS.failureCacheMs
    }
  }

  return {
    async resolve(name, timeoutMs) {
      if (!isHostName(name)) return failed(observer, name, 'Name or service not known')
      try {
        const addresses = await withTimeout(ask(name).answer, timeoutMs)
        if (addresses === undefined) return failed(observer, name, `Timed out after ${timeoutMs} ms`)
        return addresses.length === 0 ? failed(observer, name, 'No address') : { kind: 'resolved', addresses }
      } catch (error) {
        return failed(observer, name, describeDnsError(error))
      }
    },
  }
}

/** What comes out of a database may be anything; only what could be a name is asked for. */
function isHostName(name: string): boolean {
  return name.length <= RESOLVE_LIMITS.nameLength && /^[\x21-\x7e]+$/.test(name)
}

function failed(observer: Observer, name: string, reason: string): Resolved {
  const shown = name.length > RESOLVE_LIMITS.nameLength ? `${name.slice(0, RESOLVE_LIMITS.nameLength)}...` : name
  observer.log('error', 'auth', `DNS lookup for ${shown} failed: ${reason}`)
  return { kind: 'failed' }
}

/** The words of getaddrinfo. */
function describeDnsError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOTFOUND' || code === 'ENODATA') return 'Name or service not known'
  if (code === 'EAI_AGAIN') return 'Temporary failure in name resolution'
  return error instanceof Error ? error.message : String(error)
}

async function withTimeout(
  answer: Promise<readonly string[]>,
  timeoutMs: number,
): Promise<readonly string[] | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** getaddrinfo: hosts file, DNS, whatever the system is set up to ask. */
export async function systemLookUp(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' })
  return [...new Set(found.map(({ address }) => normalizeIp(address) ?? address))]
}
