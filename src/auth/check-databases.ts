import type { AuthService } from './auth.ts'
import type { ServiceChains } from './chains.ts'

/** How long each database has for its answer. */
const CHECK_MS = 10_000

/** Tries each database of these chains once, all at a time: for `doctor`. */
export async function checkDatabases(
  chains: readonly ServiceChains[],
  signal: AbortSignal,
): Promise<Awaited<ReturnType<AuthService['check']>>> {
  const blocks = [...new Map(chains.flatMap(namedBlocks)).values()]
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)])
  return await Promise.all(
    blocks.map(async ({ part, block }) => {
      const problem = await withDeadline(block.database.check(limit), limit).catch(messageOf)
      return { part, problem, at: block.settings.at }
    }),
  )
}

function namedBlocks({
  passdbs,
  masterdbs,
  userdbs,
}: ServiceChains): [
  object,
  { part: string; block: ServiceChains['passdbs'][number] | ServiceChains['userdbs'][number] },
][] {
  const name = (part: string) => (block: ServiceChains['passdbs'][number] | ServiceChains['userdbs'][number]) =>
    [block.database, { part: `${part} ${block.current.label}`, block }] as [
      object,
      { part: string; block: typeof block },
    ]
  return [...[...passdbs, ...masterdbs].map(name('passdb')), ...userdbs.map(name('userdb'))]
}

async function withDeadline<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('no answer'))),
  )
  return await Promise.race([promise, aborted])
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
