import { LRUCache } from 'lru-cache'

/** What clients are told that they may use, and the other server of a selected mailbox has to know for it. */
const NEEDED = ['ENABLE', 'IDLE', 'UNSELECT', 'UIDPLUS', 'MOVE', 'ESEARCH', 'CONDSTORE', 'QRESYNC'] as const

/** Servers of which it was said. */
const said = new LRUCache<string, true>({ max: 1_000 })

/** What a server lacks, as a line for the log; `undefined` when it is said already, or nothing is missing. */
export function lackingText(server: string, capability: ReadonlySet<string>): string | undefined {
  const lacking = NEEDED.filter((word) => !capability.has(word))
  if (lacking.length === 0 || said.has(server)) return undefined
  said.set(server, true)
  return `imapc: ${server} does not know ${lacking.join(' ')}: clients that use it there are told so by that server`
}
