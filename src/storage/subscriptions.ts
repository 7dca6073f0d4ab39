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
    for (const storage of (await place?.store.subscriptions()) ?? []) if (place) names.add(place.toVirtual(storage))
    for (const box of spec.mailboxes) if (box.auto === 'subscribe') names.add(spec.prefix + box.name)
  }
  return [...names]
}

/** Subscribes in the namespace that keeps the mailbox's subscription: its own, or that of the next shorter prefix that keeps any. */
export async function subscribeMailbox(places: Places, name: string, subscribed: boolean): Promise<void> {
  const place = await places.of(name)
  const storage = place.toStorage(name)
  if (place.spec.subscriptions && place.owner === undefined) return place.store.subscribe(storage, subscribed)
  const parent = parentOf(places, name)
  if (parent === undefined) throw new StoreRefusal('cannot', 'This namespace has no subscriptions')
  await parent.store.subscribe(parent.toStorage(name), subscribed)
}

function parentOf(places: Places, name: string): Place | undefined {
  const spec = places.subscriberOf(name)
  return spec && places.ofSpec(spec)
}
