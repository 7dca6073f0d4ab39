import { StoreRefusal } from '../../../../storage/refusal.ts'
import type {
  Appending,
  CreateOptions,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  MailStore,
  QuotaRoot,
} from '../../../../storage/store.ts'
import { StoreAround } from '../../../../storage/store-around.ts'
import { No } from '../bad-command.ts'
import { RemoteAppending } from './remote-appending.ts'
import { quotaRootsElsewhere } from './quota.ts'
import { RemoteListing } from './remote-listing.ts'
import type { RemoteMailboxes } from './remote-mailboxes.ts'
import { mailboxArgument, remoteNameOf } from './replies.ts'

/** The session's mail with the mailboxes that other servers keep. What is here goes on to the store behind it. */
export class RemoteStore extends StoreAround {
  readonly #remote: RemoteMailboxes
  readonly #listing: RemoteListing

  constructor(here: MailStore, remote: RemoteMailboxes) {
    super(here)
    this.#remote = remote
    this.#listing = new RemoteListing(remote)
  }

  override async list(patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    const here = await this.inner.list(patterns)
    const places = await this.#remote.mail.places(patterns)
    if (places.length === 0) return here
    const entries = new Map(here.map((entry) => [entry.name, entry]))
    for (const entry of await this.#listing.entries(places)) {
      if (entries.get(entry.name)?.selectable !== true) entries.set(entry.name, entry)
    }
    return [...entries.values()]
  }

  /** Of an owner of whom nothing can be seen any more, nothing is shown. */
  override async subscriptions(): Promise<readonly string[]> {
    const names = await this.inner.subscriptions()
    const shown = await Promise.all(names.map((name) => this.#showsSubscription(name)))
    return [...names.filter((_, at) => shown[at]), ...(await this.#subscriptionsElsewhere())]
  }

  override async subscribe(name: string, subscribed: boolean): Promise<void> {
    const found = await this.#remote.find(name)
    // An owner's subscriptions are his own.
    const isKeptThere = found?.place.owner === undefined && found?.place.namespace.subscriptions === true
    if (!isKeptThere) return await this.inner.subscribe(name, subscribed)
    await this.#remote.ask(found, (mailbox) => `${subscribed ? '' : 'UN'}SUBSCRIBE ${mailbox}`)
  }

  override async create(name: string, options?: CreateOptions): Promise<void> {
    const found = await this.#remote.find(name)
    if (found === undefined) return await this.inner.create(name, options)
    const use = options?.specialUse === undefined ? '' : ` (USE (${options.specialUse.join(' ')}))`
    await this.#remote.ask(found, (_, connection) => {
      const separator = options?.directory === true ? connection.naming.separator : ''
      return `CREATE ${mailboxArgument(remoteNameOf(found, connection) + separator)}${use}`
    })
    this.#listing.forget(found.place)
  }

  override async delete(name: string): Promise<void> {
    const found = await this.#remote.find(name)
    if (found === undefined) return await this.inner.delete(name)
    if (this.#remote.selected?.name === name) await this.#remote.leave({ say: true })
    await this.#remote.ask(found, (mailbox) => `DELETE ${mailbox}`)
    this.#listing.forget(found.place)
  }

  override async rename(from: string, to: string): Promise<void> {
    const [source, target] = await Promise.all([this.#remote.find(from), this.#remote.find(to)])
    if (source === undefined && target === undefined) return await this.inner.rename(from, to)
    if (source === undefined || target === undefined || source.place.prefix !== target.place.prefix) {
      throw new StoreRefusal('cannot', "Can't rename mailboxes across specified storages.")
    }
    await this.#remote.ask(
      source,
      (mailbox, connection) => `RENAME ${mailbox} ${mailboxArgument(remoteNameOf(target, connection))}`,
    )
    this.#listing.forget(source.place)
  }

  override async status(name: string): Promise<MailboxStatus> {
    await this.#expectHere(name)
    return await this.inner.status(name)
  }

  override async open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    await this.#expectHere(name)
    return await this.inner.open(name, mode)
  }

  override async beginAppend(name: string): Promise<Appending> {
    const found = await this.#remote.find(name)
    return found === undefined ? await this.inner.beginAppend(name) : new RemoteAppending(this.#remote, found)
  }

  override async quotaRoots(name: string): Promise<readonly QuotaRoot[]> {
    const found = await this.#remote.find(name)
    if (found === undefined) return await this.inner.quotaRoots(name)
    if (name !== found.place.prefix) return await quotaRootsElsewhere(this.#remote, found)
    // All of a namespace: what of it cannot be asked now has no roots now.
    const inbox = { place: found.place, name: found.place.inboxName }
    return await quotaRootsElsewhere(this.#remote, inbox).catch((error: unknown) => {
      if (error instanceof No) return []
      throw error
    })
  }

  /** Commands that look at a mailbox ask its server themselves. */
  async #expectHere(name: string): Promise<void> {
    if ((await this.#remote.find(name)) !== undefined) throw new Error(`${name} is on another server`)
  }

  async #showsSubscription(name: string): Promise<boolean> {
    const found = await this.#remote.find(name)
    if (found?.place.owner === undefined) return true
    const entries = await this.#listing.entriesOf(found.place)
    return entries === undefined || entries.length > 0
  }

  async #subscriptionsElsewhere(): Promise<readonly string[]> {
    const places = await this.#remote.mail.places(this.namespaces.map(({ prefix }) => `${prefix}*`))
    const keeping = places.filter(({ namespace, owner }) => namespace.subscriptions && owner === undefined)
    const names = await Promise.all(keeping.map((place) => this.#listing.subscribed(place)))
    return names.flat()
  }
}
