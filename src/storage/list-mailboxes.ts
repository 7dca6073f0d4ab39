import type { NamespaceSpec, Place } from './namespace.ts'
import type { StoreOptions } from './open-store.ts'
import type { Places } from './places.ts'
import type { MailboxEntry } from './store.ts'

/** All mailboxes that may match one of the patterns. */
export async function listMailboxes(
  options: StoreOptions,
  places: Places,
  patterns: readonly string[],
): Promise<readonly MailboxEntry[]> {
  const found = new Map<string, MailboxEntry>()
  for (const spec of options.namespaces) {
    if (spec.aliasFor !== undefined || !asked(spec, patterns)) continue
    for (const place of await placesOf(options, places, spec)) {
      for (const entry of await entriesOf(place)) if (!found.has(entry.name)) found.set(entry.name, entry)
    }
  }
  return [...found.values()]
}

/** A namespace with list=no answers only to those who know its prefix. */
function asked({ list, prefix }: NamespaceSpec, patterns: readonly string[]): boolean {
  return list !== 'no' || patterns.some((pattern) => prefix !== '' && pattern.startsWith(prefix))
}

async function placesOf(options: StoreOptions, places: Places, spec: NamespaceSpec): Promise<readonly Place[]> {
  const own = places.ofSpec(spec)
  if (own !== undefined) return [own]
  const owners = (await options.owners?.()) ?? []
  const found = await Promise.all(owners.map((owner) => places.ofOwner(spec, owner)))
  return found.filter((place) => place !== undefined)
}

async function entriesOf(place: Place): Promise<readonly MailboxEntry[]> {
  const { spec } = place
  const entries = new Map<string, MailboxEntry>()
  const add = (storage: string, facts: Pick<MailboxEntry, 'selectable' | 'noInferiors'>): void => {
    const specialUse = place.mailboxSpec(storage)?.specialUse ?? []
    const name = place.toVirtual(storage)
    entries.set(name, { name, namespace: spec, specialUse, existing: true, ...facts })
  }
  for (const { name, selectable, noInferiors } of await place.store.list()) add(name, { selectable, noInferiors })
  const automatic = spec.mailboxes.filter(({ auto, name }) => auto !== 'no' && !/[*?]/.test(name))
  const wanted = automatic.map(({ name }) => name.replaceAll(spec.separator, '/'))
  if (spec.inbox) wanted.push('INBOX')
  for (const storage of wanted) {
    if (entries.get(place.toVirtual(storage))?.selectable !== true)
      add(storage, { selectable: true, noInferiors: false })
  }
  addParents(place, entries)
  return [...entries.values()]
}

/** Directories above mailboxes that nothing else speaks for, the prefix among them. */
function addParents({ spec }: Place, entries: Map<string, MailboxEntry>): void {
  for (const name of entries.keys()) {
    for (let at = name.indexOf(spec.separator); at > 0; at = name.indexOf(spec.separator, at + 1)) {
      const parent = name.slice(0, at)
      if (entries.has(parent)) continue
      entries.set(parent, {
        name: parent,
        namespace: spec,
        selectable: false,
        noInferiors: false,
        specialUse: [],
        existing: true,
      })
    }
  }
}
