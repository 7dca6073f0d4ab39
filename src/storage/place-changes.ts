import type { Place } from './namespace.ts'
import { StoreRefusal } from './refusal.ts'

/** A mailbox by its storage name. */
interface NamedPlace {
  readonly place: Place
  readonly storage: string
}

/** Whether it was not there. */
export async function createUnlessThere(place: Place, storage: string): Promise<boolean> {
  try {
    await place.store.create(storage, {})
    return true
  } catch (error) {
    if (!(error instanceof StoreRefusal && error.code === 'exists')) throw error
    return false
  }
}

/** Refuses what is no renaming. */
export function checkRename(source: NamedPlace, target: NamedPlace): void {
  if (source.place !== target.place) {
    const isPrivate = source.place.spec.type === 'private' && target.place.spec.type === 'private'
    if (isPrivate) return
    throw new StoreRefusal('cannot', 'Renaming not supported across non-private namespaces.')
  }
  if (source.storage === target.storage) throw new StoreRefusal('exists', "Can't rename mailbox to itself")
  if (target.storage.startsWith(`${source.storage}/`) && source.storage !== 'INBOX') {
    throw new StoreRefusal('cannot', "Can't rename mailbox under its own child")
  }
}

/** Formats know names without prefixes: a mailbox that is not there is called as it was asked for. */
export async function named<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const absent =
      error instanceof StoreRefusal && error.code === 'not-found' && error.message.includes("doesn't exist")
    throw absent ? new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`, { cause: error }) : error
  }
}
