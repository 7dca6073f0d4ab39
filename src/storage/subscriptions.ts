import type { NamespaceSpec, Place } from './namespace.ts'
import type { Places } from './places.ts'
import { StoreRefusal } from './refusal.ts'

/** Subscribed names of all namespaces. */
export async function listSubscriptions(
  namespaces: readonly NamespaceSpec[],
  places: Places,
): Promise<readonly string[]> {
  const names = new Set<string>()
  for (const spec of namespaces) {
    const place = spec.subscriptions ? places.ofSpec(spec) : undefined
    if (place === undefined || spec.aliasFor !== undefined) continue
    for (const storage of await place.store.subscriptions()) {
      const name = places.shown(place.toVirtual(storage))
      if (keeps(spec, places.specOf(name))) names.add(name)
    }
    for (const box of spec.mailboxes) if (box.auto === 'subscribe') names.add(spec.prefix + box.name)
  }
  return [...names]
}

/** Names of another namespace count here only when it keeps no subscriptions itself. */
function keeps(spec: NamespaceSpec, holder: NamespaceSpec | undefined): boolean {
  return holder === undefined || holder === spec || !holder.subscriptions
}

/** Subscribes in the namespace that keeps the mailbox's subscription: its own, or that of the next shorter prefix that keeps any. */
export async function subscribeMailbox(places: Places, name: string, subscribed: boolean): Promise<void> {
  const holder = places.specOf(name)
  const own = holder?.subscriptions === true ? places.ofSpec(holder) : undefined
  const keeper = own ?? parentOf(places, name)
  if (keeper === undefined) throw new StoreRefusal('cannot', 'This namespace has no subscriptions')
  const storageOf = (given: string): string =>
    own === undefined ? foreignName(keeper, given) : keeper.toStorage(given)
  await keeper.store.subscribe(storageOf(places.written(name)), subscribed)
  if (!subscribed) await keeper.store.subscribe(storageOf(name), false)
}

/** A name of another namespace, as it is kept here: what this one's mailboxes may be called is nothing to it. */
function foreignName({ prefix, spec }: Place, name: string): string {
  const levels = name.slice(prefix.length).split(spec.separator)
  if (levels.includes('') || !name.isWellFormed() || Array.from(name).some((char) => char < ' ')) {
    throw new StoreRefusal('invalid-name', 'Invalid mailbox name')
  }
  return levels.join('/')
}

function parentOf(places: Places, name: string): Place | undefined {
  const spec = places.subscriberOf(name)
  return spec && places.ofSpec(spec)
}
