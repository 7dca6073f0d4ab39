import type { MailboxEntry, MailStore } from '../../../../storage/store.ts'
import type { ListOptions } from './options.ts'
import { isTold } from '../../../../storage/list-mailboxes.ts'
import { matcher, namespaceOf } from './pattern.ts'

/** A mailbox, or what stands in its place, with what LIST says of it. */
export interface Listed {
  readonly entry: MailboxEntry
  readonly selectable: boolean
  readonly existing: boolean
  readonly hasChildren: boolean
  readonly subscribed: boolean
  /** A mailbox below it is subscribed, and is not listed itself. */
  readonly childSubscribed: boolean
}

/** What matches the patterns and was selected, in order of names. */
export async function collect(
  store: MailStore,
  patterns: readonly string[],
  options: ListOptions,
): Promise<readonly Listed[]> {
  if (patterns.length === 0) return []
  const matchesPattern = matcher(patterns)
  // What is below is asked for too, for \HasChildren.
  const entries = new Map((await store.list(patterns.flatMap((one) => [one, `${one}*`]))).map((one) => [one.name, one]))
  const wantsSubscribed = options.subscribedOnly || options.showSubscribed
  const subscribed = new Set(wantsSubscribed ? await store.subscriptions() : [])
  if (options.subscribedOnly) addUnknown(store, entries, withParents(store, subscribed, options.recursive), patterns)
  const parents = parentsOf(entries.values())
  const listed: Listed[] = []
  for (const entry of entries.values()) {
    const { name, namespace } = entry
    if (!matchesPattern(name, namespace.separator)) continue
    const one: Listed = {
      entry,
      selectable: entry.selectable,
      existing: entry.existing,
      hasChildren: parents.has(name),
      subscribed: subscribed.has(name),
      childSubscribed: options.recursive && hasSubscribedBelow(name, namespace.separator, subscribed, matchesPattern),
    }
    if (isSelected(one, options)) listed.push(one)
  }
  return listed.sort((a, b) => compareNames(a.entry.name, b.entry.name))
}

function isSelected({ subscribed, childSubscribed, entry }: Listed, options: ListOptions): boolean {
  if (options.subscribedOnly && !subscribed && !childSubscribed) return false
  return !options.specialUseOnly || entry.specialUse.length > 0
}

/** Subscriptions of mailboxes that are not there. */
function addUnknown(
  store: MailStore,
  entries: Map<string, MailboxEntry>,
  subscribed: ReadonlySet<string>,
  patterns: readonly string[],
): void {
  for (const name of subscribed) {
    if (entries.has(name)) continue
    const namespace = namespaceOf(store.namespaces, name)
    if (namespace === undefined || !isTold(namespace, patterns)) continue
    entries.set(name, { name, namespace, selectable: false, existing: false, noInferiors: false, specialUse: [] })
  }
}

/** With RECURSIVEMATCH also what is above them. */
function withParents(store: MailStore, names: ReadonlySet<string>, recursive: boolean): ReadonlySet<string> {
  const all = new Set(names)
  if (!recursive) return all
  for (const name of names) {
    const separator = namespaceOf(store.namespaces, name)?.separator ?? '/'
    for (let end = name.lastIndexOf(separator); end > 0; end = name.lastIndexOf(separator, end - 1))
      all.add(name.slice(0, end))
  }
  return all
}

function parentsOf(entries: Iterable<MailboxEntry>): ReadonlySet<string> {
  const parents = new Set<string>()
  for (const { name, namespace, existing } of entries) {
    if (!existing) continue
    // Those between are not existing themselves, perhaps.
    for (let end = name.lastIndexOf(namespace.separator); end > 0; end = name.lastIndexOf(namespace.separator, end - 1))
      parents.add(name.slice(0, end))
  }
  return parents
}

function hasSubscribedBelow(
  name: string,
  separator: string,
  subscribed: ReadonlySet<string>,
  matchesPattern: (name: string, separator: string) => boolean,
): boolean {
  const above = `${name}${separator}`
  for (const one of subscribed) if (one.startsWith(above) && !matchesPattern(one, separator)) return true
  return false
}

/** INBOX first, then by name. */
function compareNames(a: string, b: string): number {
  if (a === b) return 0
  if (a === 'INBOX') return -1
  if (b === 'INBOX') return 1
  return a < b ? -1 : 1
}
