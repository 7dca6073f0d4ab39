import { autoexpungeAll } from './autoexpunge.ts'
import { InternedFlags } from './flag-table.ts'
import type { FormatMailbox } from './formats/format.ts'
import type { MailboxIndex } from './index/mailbox-index.ts'
import { amountIn, copyMessages, type CopyTarget, removed } from './mailbox/copy.ts'
import { MAX_KEYWORDS } from './mailbox/keyword-limits.ts'
import { SharedMailbox } from './mailbox/shared-mailbox.ts'
import { type OpenTarget, StoreAppending, targetOf } from './mailbox/store-appending.ts'
import { MailboxView } from './mailbox/view.ts'
import { checkNewName } from './mailbox-name.ts'
import type { Place } from './namespace.ts'
import { checkRename, createUnlessThere, named } from './place-changes.ts'
import type { OwnMailStore, StoreOptions } from './open-store.ts'
import { Places } from './places.ts'
import { PrivateMailbox } from './private-seen/private-mailbox.ts'
import { PrivateMarks, type SignedMailbox } from './private-seen/private-marks.ts'
import { StoreRefusal } from './refusal.ts'
import { StatusCache } from './status-cache.ts'
import { statusOf } from './mailbox/status.ts'
import type {
  Appending,
  CreateOptions,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  QuotaRoot,
  StoreNamespace,
} from './store.ts'
import { listMailboxes } from './list-mailboxes.ts'
import { listSubscriptions, subscribeMailbox } from './subscriptions.ts'
import { type MailboxChanges, updateMailbox } from './update-mailbox.ts'

/** A mailbox that is open here, and how to let go of it. */
export interface Held {
  readonly shared: SharedMailbox
  readonly place: Place
  readonly storage: string
  readonly release: () => void
}

/** The store of one user over namespaces and formats. */
export class UserStore implements OwnMailStore {
  readonly user: string
  readonly namespaces: readonly StoreNamespace[]
  readonly #options: StoreOptions
  readonly #places: Places
  readonly #statuses: StatusCache
  readonly #private: PrivateMarks
  #closed = false
  #autoexpunging: Promise<number> | undefined
  readonly #views = new Set<Mailbox>()

  constructor(options: StoreOptions) {
    this.user = options.user
    this.namespaces = options.namespaces
    this.#options = options
    this.#places = options.places ?? new Places(options)
    this.#private = new PrivateMarks({
      indexes: options.context.indexes,
      hold: (name) => this.#hold(name),
      log: (level, text) => options.log(level, text),
    })
    this.#statuses = new StatusCache(({ location }) =>
      options.context.indexes.fileOf?.({ location, log: (level, text) => options.log(level, text) }),
    )
  }

  list(patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    return listMailboxes(this.#options, this.#places, patterns)
  }

  subscriptions(): Promise<readonly string[]> {
    return listSubscriptions(this.#options.namespaces, this.#places)
  }

  subscribe(name: string, subscribed: boolean): Promise<void> {
    return subscribeMailbox(this.#places, this.#name(name), subscribed)
  }

  async create(given: string, options: CreateOptions = {}): Promise<void> {
    const name = this.#name(given)
    if ((await this.#places.of(name)).isRoot(name)) throw new StoreRefusal('exists', 'Mailbox already exists')
    const { place, storage } = await this.#resolve(name)
    checkNewName(name)
    if (storage === 'INBOX' && place.spec.inbox) {
      if (await createUnlessThere(place, 'INBOX')) this.#options.notice?.created('INBOX')
      throw new StoreRefusal('exists', 'Mailbox already exists')
    }
    place.checkNew(storage)
    await place.store.create(storage, options)
  }

  async delete(given: string): Promise<void> {
    const name = this.#name(given)
    if (name === '' || (await this.#places.of(name)).isRoot(name)) {
      throw new StoreRefusal('cannot', "Storage root can't be deleted")
    }
    const { place, storage } = await this.#resolve(name)
    if (storage === 'INBOX' && place.spec.inbox) throw new StoreRefusal('cannot', "INBOX can't be deleted")
    const { quota } = this.#options
    const amount = quota && (await amountIn(() => this.#hold(name), quota))
    await named(name, place.store.delete(storage))
    this.#options.context.mailboxes.end((key) => key === keyOf(place, storage))
    if (amount !== undefined && amount.messages > 0) await quota?.changed(name, removed(amount))
  }

  async rename(givenFrom: string, givenTo: string): Promise<void> {
    const [from, to] = [this.#name(givenFrom), this.#name(givenTo)]
    if ((await this.#places.of(from)).isRoot(from)) throw new StoreRefusal('cannot', "Can't rename mailbox root")
    const source = await this.#resolve(from)
    if ((await this.#places.of(to)).root === to && to !== '')
      throw new StoreRefusal('exists', 'Target mailbox already exists')
    const target = await this.#resolve(to)
    checkNewName(to)
    checkRename(source, target)
    target.place.checkNew(target.storage)
    const sameLocation = source.place.location.path === target.place.location.path
    // An alias of its own name.
    if (sameLocation && source.storage === target.storage) return
    await named(
      from,
      source.place.store.rename(source.storage, target.storage, sameLocation ? undefined : target.place.store),
    )
    const key = keyOf(source.place, source.storage)
    const below = keyOf(source.place, `${source.storage}/x`).slice(0, -1)
    this.#options.context.mailboxes.end((open) => open === key || open.startsWith(below))
  }

  async update(given: string, changes: MailboxChanges): Promise<void> {
    const name = this.#name(given)
    const { place, storage } = await this.#resolve(name)
    await updateMailbox(changes, {
      place,
      storage,
      hold: () => this.#hold(name),
      end: () => this.#options.context.mailboxes.end((key) => key === keyOf(place, storage)),
    })
  }

  async status(given: string): Promise<MailboxStatus> {
    const name = this.#name(given)
    const { place, storage } = await this.#resolve(name)
    const signature = place.store.signature?.(storage)
    const signed = { place, storage, signature }
    return await this.#private.statusOf(name, signed, await this.#statusFor(name, signed))
  }

  /** As everybody sees it. */
  async #statusFor(name: string, { place, storage, signature }: SignedMailbox): Promise<MailboxStatus> {
    const isOpen = this.#options.context.mailboxes.find(keyOf(place, storage)) !== undefined
    const kept = signature === undefined || isOpen ? undefined : this.#statuses.find(place, storage, signature)
    if (kept !== undefined) return kept
    const held = await this.#hold(name)
    try {
      const status = await statusOf(held.shared)
      if (signature !== undefined && signature === place.store.signature?.(storage)) {
        held.shared.saveRecent()
        this.#statuses.keep(place, storage, signature, status)
      }
      return status
    } finally {
      held.release()
    }
  }

  async open(given: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    const name = this.#name(given)
    const held = await this.#hold(name)
    try {
      await held.shared.look('now')
      const seen = this.#private.of(held)
      await seen?.meet()
      const view: MailboxView = new MailboxView({
        name,
        readOnly: mode === 'read-only',
        shared: held.shared,
        keywordLimits: { bytes: this.#options.settings.mail_max_keyword_length, count: MAX_KEYWORDS },
        quota: this.#options.quota,
        copy: async (records, to, { moves }) =>
          copyMessages(
            { shared: held.shared, seen },
            records,
            await this.#copyTarget(to),
            this.#options.quota,
            moves ? name : undefined,
          ),
        release: () => {
          this.#views.delete(mailbox)
          held.release()
        },
      })
      const rescanMs = this.#options.settings.mailbox_idle_check_interval
      const mailbox = seen === undefined ? view : new PrivateMailbox({ view, seen, rescanMs })
      this.#views.add(mailbox)
      return mailbox
    } catch (error) {
      held.release()
      throw error
    }
  }

  async beginAppend(given: string): Promise<Appending> {
    const { quota, settings } = this.#options
    const name = this.#name(given)
    const limits = { bytes: settings.mail_max_keyword_length, count: MAX_KEYWORDS }
    const resolved = await this.#resolve(name)
    const markSeen = this.#private.markerIn(resolved.place, name)
    const { format, ...target } = await this.#appendTarget(name, resolved)
    try {
      const appending = await format.beginAppend()
      return new StoreAppending({ target, name: given, quota, limits, markSeen, appending })
    } catch (error) {
      target.release('trouble')
      throw error
    }
  }

  quotaRoots(name: string): Promise<readonly QuotaRoot[]> {
    return this.#options.quota?.roots(this.#name(name)) ?? Promise.resolve([])
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#views].map((view) => view.close()))
    await this.autoexpunge()
  }

  autoexpunge(): Promise<number> {
    this.#autoexpunging ??= this.#autoexpungeAll()
    return this.#autoexpunging
  }

  async #autoexpungeAll(): Promise<number> {
    const { namespaces, context, quota, notice } = this.#options
    const plain = namespaces.filter((spec) => spec.type === 'private' && spec.aliasFor === undefined)
    const places = plain.map((spec) => this.#places.ofSpec(spec)).filter((place) => place !== undefined)
    return await autoexpungeAll(places, {
      hold: (name) => this.#hold(name),
      open: (name) => this.open(name, 'read-only'),
      quota,
      notice,
      nowMs: context.now(),
      complain: (text) => this.#options.log('error', text),
    })
  }

  /** `inbox` in any case is INBOX, also as the first level of a name. RFC 3501 §5.1. */
  #name(name: string): string {
    if (!/^inbox/i.test(name)) return name
    if (name.length === 5) return 'INBOX'
    const separator = this.#options.namespaces.find(({ inbox }) => inbox)?.separator
    return name[5] === separator ? `INBOX${name.slice(5)}` : name
  }

  async #resolve(name: string): Promise<Resolved> {
    const place = await this.#places.of(name)
    return { place, storage: place.toStorage(name) }
  }

  /** A mailbox that nobody looks at is not read for a delivery. */
  async #appendTarget(name: string, { place, storage }: Resolved): Promise<OpenTarget> {
    const { mailboxes } = this.#options.context
    const key = keyOf(place, storage)
    if (mailboxes.find(key) !== undefined) return targetOf(await this.#hold(name))
    const open = (): Promise<FormatMailbox> => this.#openOrCreate(place, storage, name, new InternedFlags())
    const { format, release } = await mailboxes.targets.acquire(key, open)
    return {
      format,
      keywords: format.keywords,
      release,
      change: async (commit, { marked }) => {
        const done = await commit()
        // The format says that unmarked ones are new. \Recent is also what came with flags.
        if (marked)
          await mailboxes.targets.notes.add(key, done.uids, (...range) => this.#note(place, storage, format, range))
        await this.#showQuietly(key, done.uids)
        return done
      },
    }
  }

  #note(place: Place, storage: string, format: FormatMailbox, [first, uidNext]: readonly [number, number]): void {
    const index = this.#openIndex(place, storage, format)
    index.appended(first, uidNext)
    index.close()
  }

  /** Somebody may have begun to look while mail was delivered. Whether that look succeeds is not the delivery's concern. */
  async #showQuietly(key: string, uids: readonly number[]): Promise<void> {
    const shared = this.#options.context.mailboxes.find(key)
    try {
      await shared?.look('now')
      shared?.noteRecent(uids)
    } catch (error) {
      this.#options.log('debug', `Looking after a delivery failed: ${String(error)}`)
    }
  }

  #openIndex(place: Place, storage: string, { guid, uidValidity }: FormatMailbox): MailboxIndex {
    return this.#options.context.indexes.open({
      location: place.location,
      storage,
      guid,
      uidValidity,
      log: (level, text) => this.#options.log(level, text),
    })
  }

  /** A large mailbox stays open for a while: whoever files messages one by one would read it each time. */
  async #copyTarget(to: string): Promise<CopyTarget> {
    const name = this.#name(to)
    const resolved = await this.#resolve(name)
    if (resolved.place.location.indexPrivatePath === undefined) {
      const target = await this.#appendTarget(name, resolved)
      if (target.format.isSmall === true) return { ...target, name, seen: undefined }
      target.release('fine')
    }
    const held = await this.#hold(name)
    return { ...targetOf(held), name, seen: this.#private.of(held) }
  }

  /** Opens a mailbox, or shares the one that is open; makes it first when it is to be made automatically. */
  async #hold(name: string): Promise<Held> {
    const { place, storage } = await this.#resolve(name)
    const { mailboxes } = this.#options.context
    const held = await mailboxes.acquire(keyOf(place, storage), () => this.#openShared(place, storage, name))
    if (held.shared.gone === undefined) return { ...held, place, storage }
    held.release()
    throw held.shared.gone
  }

  async #openShared(place: Place, storage: string, name: string): Promise<SharedMailbox> {
    const { context, settings } = this.#options
    const flags = new InternedFlags()
    const format = await this.#openOrCreate(place, storage, name, flags)
    const index = this.#openIndex(place, storage, format)
    const shared = new SharedMailbox({
      format,
      index,
      flags,
      rescanMs: settings.mailbox_idle_check_interval,
      now: () => context.now(),
    })
    try {
      await shared.load()
      return shared
    } catch (error) {
      await shared.close().catch(() => undefined)
      throw error
    }
  }

  async #openOrCreate(
    place: Place,
    storage: string,
    name: string,
    flags: InternedFlags,
  ): ReturnType<Place['store']['open']> {
    try {
      return await place.store.open(storage, flags)
    } catch (error) {
      if (!(error instanceof StoreRefusal && error.code === 'not-found')) throw error
      const auto = place.mailboxSpec(storage)?.auto ?? 'no'
      if (auto === 'no' && !(storage === 'INBOX' && place.spec.inbox)) {
        throw new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`, { cause: error })
      }
      if (await createUnlessThere(place, storage)) this.#options.notice?.created(name)
      if (auto === 'subscribe') await subscribeMailbox(this.#places, name, true)
      return await place.store.open(storage, flags)
    }
  }
}

/** Where a name leads. */
type Resolved = Pick<Held, 'place' | 'storage'>

/** What identifies a mailbox in this process. */
function keyOf(place: Place, storage: string): string {
  return `${place.format} ${place.store.directories(storage).mail}`
}
