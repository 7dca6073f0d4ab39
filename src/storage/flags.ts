/** Message flags: system flags as bits, keywords by name. RFC 3501 §2.3.2. */

export const ANSWERED = 1
export const FLAGGED = 2
export const DELETED = 4
export const SEEN = 8
export const DRAFT = 16
export const ALL_SYSTEM_FLAGS = 31

/** Names of the bits, in the order Dovecot writes them. */
export const SYSTEM_FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [ANSWERED, '\\Answered'],
  [FLAGGED, '\\Flagged'],
  [DELETED, '\\Deleted'],
  [SEEN, '\\Seen'],
  [DRAFT, '\\Draft'],
]

/**
 * What a message is marked with; `\Recent` belongs to sessions and is not here. Values are interned: within one mailbox
 * two messages with equal flags share one object, which may be compared by identity and has its text ready.
 */
export interface Flags {
  readonly bits: number
  /** In the order the mailbox lists its keywords. */
  readonly keywords: readonly string[]
  /** The inside of a FLAGS list: `\Seen $Forwarded`. */
  readonly text: string
}

export interface FlagChange {
  readonly mode: 'add' | 'remove' | 'replace'
  readonly bits: number
  readonly keywords: readonly string[]
  /** Bits that `replace` leaves as they are. */
  readonly keeps?: number
}

/** `bits` as names, in Dovecot's order. */
export function systemFlagNames(bits: number): string[] {
  return SYSTEM_FLAGS.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name)
}

/** The bit of a system flag in any case; `undefined` for anything else, `\Recent` included. */
export function systemFlagBit(name: string): number | undefined {
  const wanted = name.toLowerCase()
  return SYSTEM_FLAGS.find(([, known]) => known.toLowerCase() === wanted)?.[0]
}
