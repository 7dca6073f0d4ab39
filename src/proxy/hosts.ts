import type { Observer } from '../observe/events.ts'

/**
 * What is known of the backends: who answers, who does not. One table a process; the interface carries plain data, so that
 * workers can share one.
 */
export interface BackendHosts {
  /** A connect begins. The answer `false` means: somebody else already waits for this dead host, fail at once. */
  begin(ip: string, port: number, immediateFailureAfterMs: number): boolean
  /** The connect that `begin` allowed came through. */
  connected(ip: string, port: number): void
  /** It failed, or the backend did not answer the login in time. */
  failed(ip: string, port: number, error: string): void
  /** It no longer waits, whatever came of it: exactly once after each `begin`. */
  end(ip: string, port: number): void
  list(): readonly BackendState[]
}

export interface BackendState {
  readonly ip: string
  readonly port: number
  readonly up: boolean
  readonly lastSuccessMs: number
  /** 0 when there never was one. */
  readonly lastFailureMs: number
  readonly lastError: string
  /** Logins that wait for this backend now. */
  readonly waiting: number
}

/** Backends are few; when a database names more than this, those not in use are forgotten, oldest first. */
const MAX_HOSTS = 10_000

interface Host {
  readonly ip: string
  readonly port: number
  lastSuccessMs: number
  lastFailureMs: number
  downSinceMs: number | undefined
  lastError: string
  waiting: number
}

/** State of one process. `now` in milliseconds since 1970. */
export function createBackendHosts(observer: Observer, now: () => number = Date.now): BackendHosts {
  const hosts = new Map<string, Host>()
  const find = (ip: string, port: number): Host => {
    const key = `${ip} ${port}`
    const known = hosts.get(key)
    if (known !== undefined) return known
    if (hosts.size >= MAX_HOSTS) forgetOne(hosts)
    // A host never seen counts as just having answered: nothing fails at once before it had its chance.
    const host: Host = {
      ip,
      port,
      lastSuccessMs: now() - 1000,
      lastFailureMs: 0,
      downSinceMs: undefined,
      lastError: '',
      waiting: 0,
    }
    hosts.set(key, host)
    return host
  }
  return {
    begin(ip, port, immediateFailureAfterMs) {
      const host = find(ip, port)
      host.waiting++
      const deadMs = host.lastFailureMs - host.lastSuccessMs
      return !(immediateFailureAfterMs > 0 && deadMs > immediateFailureAfterMs && host.waiting > 1)
    },
    connected(ip, port) {
      const host = find(ip, port)
      host.lastSuccessMs = now()
      if (host.downSinceMs === undefined) return
      observer.emit('backend_up', { ip, port, down_ms: host.lastSuccessMs - host.downSinceMs })
      host.downSinceMs = undefined
    },
    failed(ip, port, error) {
      const host = find(ip, port)
      host.lastFailureMs = now()
      host.lastError = error
      if (host.downSinceMs !== undefined) return
      host.downSinceMs = host.lastFailureMs
      observer.emit('backend_down', { ip, port, error })
    },
    end(ip, port) {
      const host = find(ip, port)
      host.waiting = Math.max(0, host.waiting - 1)
    },
    list: () => [...hosts.values()].map(({ downSinceMs, ...host }) => ({ ...host, up: downSinceMs === undefined })),
  }
}

function forgetOne(hosts: Map<string, Host>): void {
  for (const [key, host] of hosts) {
    if (host.waiting > 0) continue
    hosts.delete(key)
    return
  }
}
