// Lines of one mailbox put together: one entry for each identifier, in the order in which they are weighed.
import type { AclLine } from './acl-line.ts'
import { isExpiryRight } from './expiry.ts'
import { compareIdentifiers, type Identifier } from './identifier.ts'
import type { Rights } from './rights.ts'

export interface AclEntry {
  readonly identifier: Identifier
  /** From the administrator's global files: weighed after all local entries. */
  readonly isGlobal: boolean
  /** What it gives. An empty set gives nothing, and still replaces what weaker classes gave; `undefined` leaves that alone. */
  readonly rights?: Rights
  /** What it takes away. */
  readonly negative?: Rights
  /** The lines this was read from. */
  readonly lines: readonly AclLine[]
}

export interface SortedEntries {
  readonly entries: readonly AclEntry[]
  /** When a grant among them ends and they must be sorted anew, in milliseconds since 1970; Infinity: never. */
  readonly validUntilMs: number
}

/** Local before global, then by class and name. Lines of one identifier are united; lines that have ended are left out. */
export function sortEntries(local: readonly AclLine[], global: readonly AclLine[], nowMs: number): SortedEntries {
  const isAlive = ({ expiresAtMs }: AclLine): boolean => expiresAtMs === undefined || expiresAtMs > nowMs
  let validUntilMs = Number.POSITIVE_INFINITY
  for (const lines of [local, global])
    for (const line of lines) if (isAlive(line)) validUntilMs = Math.min(validUntilMs, line.expiresAtMs ?? validUntilMs)
  return { entries: [...unite(local.filter(isAlive), false), ...unite(global.filter(isAlive), true)], validUntilMs }
}

function unite(lines: readonly AclLine[], isGlobal: boolean): readonly AclEntry[] {
  if (lines.length === 0) return []
  const sorted = lines.toSorted((one, other) => compareIdentifiers(one.identifier, other.identifier))
  const entries: AclEntry[] = []
  for (let from = 0; from < sorted.length; ) {
    const first = sorted[from]
    if (first === undefined) break
    let to = from + 1
    while (
      sorted[to] !== undefined &&
      compareIdentifiers(first.identifier, sorted[to]?.identifier ?? first.identifier) === 0
    )
      to += 1
    entries.push(entryOf(sorted.slice(from, to), first.identifier, isGlobal))
    from = to
  }
  return entries
}

function entryOf(lines: readonly AclLine[], identifier: Identifier, isGlobal: boolean): AclEntry {
  const rights = unionOf(lines.filter(({ isNegative }) => !isNegative))
  const negative = unionOf(lines.filter(({ isNegative }) => isNegative))
  return { identifier, isGlobal, lines, ...(rights && { rights }), ...(negative && { negative }) }
}

function unionOf(lines: readonly AclLine[]): Rights | undefined {
  if (lines.length === 0) return undefined
  const [only] = lines
  if (lines.length === 1 && only?.expiresAtMs === undefined) return only?.rights
  return new Set(lines.flatMap(({ rights }) => [...rights].filter((right) => !isExpiryRight(right))))
}
