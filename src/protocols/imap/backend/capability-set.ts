/** Backends are few and say the same to every login: so many lists are kept read. */
const KEPT_LISTS = 100
const kept = new Map<string, ReadonlySet<string>>()
/** The newest is asked for again as a rule, and to compare is cheaper than to look it up. */
let newest: { readonly list: string; readonly words: ReadonlySet<string> } = { list: '', words: new Set(['']) }

/** The words of a capability list, upper case. RFC 3501 §7.2.1. */
export function capabilitySet(list: string): ReadonlySet<string> {
  if (list !== newest.list) newest = { list, words: kept.get(list) ?? keep(list) }
  return newest.words
}

function keep(list: string): ReadonlySet<string> {
  const words: ReadonlySet<string> = new Set(list.toUpperCase().split(' '))
  if (kept.size >= KEPT_LISTS) kept.clear()
  kept.set(list, words)
  return words
}
