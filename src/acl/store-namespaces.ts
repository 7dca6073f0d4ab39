// The namespaces of a mail store as ACLs see them.
import { IMAPC } from '../storage/formats/imapc.ts'
import { type Place } from '../storage/namespace.ts'
import type { StoreOptions } from '../storage/open-store.ts'
import { Places } from '../storage/places.ts'
import { StoreRefusal } from '../storage/refusal.ts'
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
  /** Another server has what this name stands for, and decides who may see it. */
  isElsewhere(name: string): Promise<boolean>
  /** All namespaces that are open without asking for somebody's mail. */
  readonly own: readonly AclNamespace[]
}

/** The same namespaces that a store with these options has. `inherit`: by the name of a namespace's section. */
export function storeNamespaces(options: StoreOptions, inherit: (name: string) => Inheritance): AclNamespaces {
  const places = new Places(options)
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
    isElsewhere: async (name) => (await placeOf(places, name))?.format === IMAPC,
    get own() {
      return options.namespaces.flatMap((spec) => {
        const place = places.ofSpec(spec)
        return place === undefined || place.format === IMAPC ? [] : [namespaceOf(place)]
      })
    },
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
