// The namespaces of a mail store as ACLs see them.
import { whereIs } from '../storage/list-mailboxes.ts'
import { IMAPC } from '../storage/formats/imapc.ts'
import { type Place } from '../storage/namespace.ts'
import type { StoreOptions } from '../storage/open-store.ts'
import { Places } from '../storage/places.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import type { MailboxEntry } from '../storage/store.ts'
import { type AclNamespace, locateAcls } from './namespace.ts'
import type { Inheritance } from './settings.ts'

export interface AclTarget {
  readonly namespace: AclNamespace
  /** Storage name. */
  readonly mailbox: string
}

export interface AclNamespaces {
  /** Where a virtual name leads. `undefined`: into no namespace. Throws StoreRefusal for names that cannot be. */
  resolve(name: string): Promise<AclTarget | undefined>
  /** The same for an entry that was listed, when it is known at once. */
  ofEntry(entry: MailboxEntry): AclTarget | undefined
  /** Another server has what this name stands for, and decides who may see it. */
  isElsewhere(name: string): Promise<boolean>
  /** All namespaces that are open without asking for somebody's mail. */
  readonly own: readonly AclNamespace[]
}

/** The same namespaces that a store with these options has. `inherit`: by the name of a namespace's section. */
export function storeNamespaces(options: StoreOptions, inherit: (name: string) => Inheritance): AclNamespaces {
  const places = options.places ?? new Places(options)
  /** Whether names of a place lead to it. */
  const isWhereItSeems = new WeakMap<Place, boolean>()
  const known = new WeakMap<Place, AclNamespace>()
  const namespaceOf = (place: Place): AclNamespace => {
    const namespace = known.get(place) ?? aclNamespace(place, options.user, inherit(place.spec.name))
    known.set(place, namespace)
    return namespace
  }
  return {
    async resolve(name) {
      const place = await placeOf(places, name)
      // Rights on another server's mailboxes are that server's to check.
      if (place === undefined || place.format === IMAPC) return undefined
      return { namespace: namespaceOf(place), mailbox: place.toStorage(name) }
    },
    ofEntry(entry) {
      const { place, storage } = whereIs(entry) ?? {}
      if (place === undefined || storage === undefined || place.format === IMAPC) return undefined
      // Entries of other people are below the owner's prefix, where all names lead to the same place.
      const isSure = place.owner !== undefined ? isWhereItSeems.get(place) : undefined
      const leads = isSure ?? places.leadsTo(entry.name, place)
      isWhereItSeems.set(place, leads)
      return leads && isNameOf(place, entry.name, storage)
        ? { namespace: namespaceOf(place), mailbox: storage }
        : undefined
    },
    isElsewhere: async (name) => (await placeOf(places, name))?.format === IMAPC,
    get own() {
      return options.namespaces.flatMap((spec) => {
        const place = places.ofSpec(spec)
        return place === undefined || place.format === IMAPC ? [] : [namespaceOf(place)]
      })
    },
  }
}

function isNameOf(place: Place, name: string, storage: string): boolean {
  try {
    return place.toStorage(name) === storage
  } catch (error) {
    if (error instanceof StoreRefusal) return false
    throw error
  }
}

async function placeOf(places: Places, name: string): Promise<Place | undefined> {
  try {
    return await places.of(name)
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'not-found') return undefined
    throw error
  }
}

/** One place of mail. `user`: whose store it is. */
export function aclNamespace(place: Place, user: string, inherit: Inheritance): AclNamespace {
  const { spec, prefix, location, store } = place
  return {
    type: spec.type,
    prefix,
    separator: spec.separator,
    inboxName: place.toVirtual('INBOX'),
    owner: place.owner ?? (spec.type === 'private' ? user : undefined),
    inherit,
    hasPrivateSeen: location.indexPrivatePath !== undefined,
    places: locateAcls(location, (name) => store.directories(name), spec.inbox || spec.type === 'shared'),
    async mailboxes() {
      return (await store.list()).filter(({ selectable }) => selectable).map(({ name }) => name)
    },
  }
}
