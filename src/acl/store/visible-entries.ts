// What LIST may show: mailboxes with `l`, and the levels above them that are needed to reach them.
import type { MailboxEntry } from '../../storage/store.ts'
import type { AclTarget } from '../store-namespaces.ts'

export interface JudgedEntry {
  readonly entry: MailboxEntry
  /** `l`; or a namespace's prefix that is always shown. */
  readonly isVisible: boolean
  /** A level of a namespace's prefix: no mailbox, shown when something below it is. */
  readonly isPrefix: boolean
  /** Whose rights decided; `undefined`: nobody's had to. */
  readonly target?: AclTarget
}

/**
 * Entries that may be seen. One that may not stands in for what is below it, as a name without a mailbox, when a pattern
 * matches it and nothing visible below it: `%` shows `Work` for the sake of `Work/visible`, `*` shows only that.
 */
export function visibleEntries(judged: readonly JudgedEntry[], patterns: readonly string[]): readonly MailboxEntry[] {
  const visible = judged.filter(({ isVisible }) => isVisible).map(({ entry }) => entry)
  const below = namesBelow(visible)
  return judged.flatMap(({ entry, isVisible, isPrefix }) => {
    if (isVisible) return entry
    const descendants = below.get(entry.name)
    if (descendants === undefined) return []
    if (isPrefix) return [{ ...entry, selectable: false, specialUse: [] }]
    const { separator } = entry.namespace
    const standsIn = patterns.some(
      (pattern) =>
        listPatternMatches(entry.name, pattern, separator) &&
        !descendants.some((name) => listPatternMatches(name, pattern, separator)),
    )
    return standsIn ? [{ ...entry, selectable: false, existing: false, specialUse: [] }] : []
  })
}

/** Visible names by every level above them. */
function namesBelow(entries: readonly MailboxEntry[]): ReadonlyMap<string, readonly string[]> {
  const below = new Map<string, string[]>()
  for (const { name, namespace } of entries) {
    for (let at = name.indexOf(namespace.separator); at > 0; at = name.indexOf(namespace.separator, at + 1)) {
      const parent = name.slice(0, at)
      const names = below.get(parent)
      if (names === undefined) below.set(parent, [name])
      else names.push(name)
    }
  }
  return below
}

/** `*` is anything, `%` anything without a separator. RFC 3501 §6.3.8. Takes time proportional to both lengths at worst. */
export function listPatternMatches(name: string, pattern: string, separator: string): boolean {
  // Where in the name the pattern so far can end.
  let ends = new Set([0])
  for (const char of pattern) {
    const next = new Set<number>()
    for (const end of ends) {
      if (char === '*' || char === '%')
        for (const at of reach(name, end, char === '%' ? separator : undefined)) next.add(at)
      else if (name.startsWith(char, end)) next.add(end + char.length)
    }
    if (next.size === 0) return false
    ends = next
  }
  return ends.has(name.length)
}

function* reach(name: string, from: number, stop: string | undefined): Generator<number> {
  for (let at = from; at <= name.length; at += 1) {
    yield at
    if (name[at] === stop) return
  }
}
