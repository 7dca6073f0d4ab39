/** Backends are few and say the same to every login: so many lists are kept read. */
const KEPT_LISTS = 100
const kept = new Map<string, ReadonlySet<string>>()

/** The words of a capability list, upper case. RFC 3501 §7.2.1. */
export function capabilitySet(list: string): ReadonlySet<string> {
  const known = kept.get(list)
  if (known !== undefined) return known
  const words: ReadonlySet<string> = new Set(list.toUpperCase().split(' '))
  if (kept.size >= KEPT_LISTS) kept.clear()
  kept.set(list, words)
  return words
}
