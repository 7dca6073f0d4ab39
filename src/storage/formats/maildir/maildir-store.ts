import { accessSync, constants, existsSync } from 'node:fs'
import { InternedFlags } from '../../flag-table.ts'
import { StoreRefusal } from '../../refusal.ts'
import type { CreateOptions } from '../../store.ts'
import type {
  FlagTable,
  FormatContext,
  FormatEntry,
  FormatMailbox,
  FormatStore,
  HeaderChanges,
  MailboxDirectories,
  MailLocation,
} from '../format.ts'
import { hasCode, syncingFor, type Syncing } from './disk.ts'
import type { Layout } from './layout.ts'
import { MaildirMailbox } from './mailbox.ts'
import type { MailboxNames } from './mailbox-names.ts'
import { refusalWhenGone, withMailboxLock, withQuietMailboxes, type MailboxPlace } from './mailbox-place.ts'
import { MailboxState } from './mailbox-state.ts'
import { makeMaildir, makeParents, permissionsBelow } from './maildir-directory.ts'
import { permissionsOf } from './permissions.ts'
import { renameAcross } from './rename-across.ts'
import { refusalOfLongName, refusalToMove } from './rename-checks.ts'
import { signatureOf } from './signature.ts'
import { changeSubscription, readSubscriptions, type SubscriptionNames } from './subscriptions.ts'
import { cleanTemporary } from './tmp-cleaning.ts'
import { nextUidValidity } from './uidvalidity.ts'

/** The mailboxes of one `maildir:` location. */
export class MaildirStore implements FormatStore {
  readonly #location: MailLocation
  readonly #context: FormatContext
  readonly #layout: Layout
  readonly #names: MailboxNames
  readonly #syncing: Syncing

  constructor(location: MailLocation, context: FormatContext, parts: MaildirParts) {
    this.#location = location
    this.#context = context
    this.#layout = parts.layout
    this.#names = parts.names
    this.#syncing = syncingFor(context.settings, parts.syncing)
  }

  list(): readonly FormatEntry[] {
    return this.#layout.list()
  }

  async subscriptions(): Promise<readonly string[]> {
    return readSubscriptions(this.#subscriptionsPath(), this.#subscriptionNames())
  }

  async subscribe(name: string, subscribed: boolean): Promise<void> {
    const path = this.#subscriptionsPath()
    makeParents(this.#controlRoot(), permissionsBelow(this.#location.path))
    await changeSubscription({ path, name, subscribed }, this.#subscriptionNames(), this.#context, this.#syncing)
  }

  async create(name: string, { directory = false }: CreateOptions): Promise<void> {
    try {
      this.#layout.create(name, directory)
    } catch (error) {
      throw refusalWhenGone(refusalOfLongName(error))
    }
  }

  async delete(name: string): Promise<void> {
    const { control } = this.#layout.directories(name)
    const controls = this.#layout.exists(name) ? [control] : []
    await withQuietMailboxes(controls, this.#context, () => this.#layout.delete(name)).catch((error: unknown) => {
      throw hasCode(error, 'ENAMETOOLONG') ? this.#absent(name) : error
    })
  }

  async rename(from: string, to: string, into?: FormatStore): Promise<void> {
    const target = into && this.#otherStore(into)
    const below = this.#layout.list().filter((entry) => entry.selectable && entry.name.startsWith(`${from}/`))
    const names = [...(this.#layout.exists(from) ? [from] : []), ...below.map(({ name }) => name)]
    const controls = names.map((name) => this.#layout.directories(name).control)
    await withQuietMailboxes(controls, this.#context, () => this.#rename(from, to, target)).catch((error: unknown) => {
      throw refusalOfLongName(error)
    })
  }

  #rename(from: string, to: string, target: MaildirStore | undefined): void {
    if (target === undefined) return this.#layout.rename(from, to)
    if (target.#layout.separator === this.#layout.separator) return this.#layout.rename(from, to, target.#layout)
    renameAcross(
      { layout: this.#layout, location: this.#location },
      from,
      { layout: target.#layout, location: target.#location },
      to,
      this.#absent(from),
    )
  }

  /** A store that keeps the same files in the same kinds of places. */
  #otherStore(other: FormatStore): MaildirStore {
    if (!(other instanceof MaildirStore)) throw refusalToMove()
    const [here, there] = [this.#location, other.#location]
    const alike =
      (here.controlPath === undefined) === (there.controlPath === undefined) &&
      (here.indexPath === undefined) === (there.indexPath === undefined) &&
      here.options.has('UTF-8') === there.options.has('UTF-8')
    if (!alike) throw refusalToMove()
    return other
  }

  async update(name: string, changes: HeaderChanges): Promise<void> {
    const { mail, control } = this.#layout.directories(name)
    const { uidlist } = new MailboxState(this.#place(name, mail, control), new InternedFlags())
    await withMailboxLock(this.#place(name, mail, control), async () => {
      await uidlist.refresh()
      uidlist.change(changes)
      await uidlist.rewriteWhenNeeded()
    })
  }

  directories(name: string): MailboxDirectories {
    return this.#layout.directories(name)
  }

  signature(name: string): string | undefined {
    if (!this.#layout.exists(name)) return undefined
    const { mail, control } = this.#layout.directories(name)
    return signatureOf([`${mail}/cur`, `${mail}/new`, `${control}/dovecot-uidlist`], this.#context.now())
  }

  async open(name: string, flags: FlagTable): Promise<FormatMailbox> {
    const { mail, control } = this.#layout.directories(name)
    if (!this.#layout.exists(name)) {
      throw this.#absent(name)
    }
    try {
      const readOnly = !this.#prepare(mail, control)
      const mailbox = new MaildirMailbox(new MailboxState(this.#place(name, mail, control), flags), readOnly)
      await mailbox.open()
      return mailbox
    } catch (error) {
      throw refusalWhenGone(error)
    }
  }

  #absent(name: string): StoreRefusal {
    return new StoreRefusal('not-found', `Mailbox doesn't exist: ${this.#names.shown(name)}`)
  }

  /** Makes what may be missing: somebody else made the directory, or CONTROL is new. False when nothing may be changed there. */
  #prepare(mail: string, control: string): boolean {
    const cur = `${mail}/cur`
    if (!isWritable(cur) && (existsSync(cur) || !isWritable(mail))) return false
    if (
      wasPrepared(mail, this.#context.now()) &&
      existsSync(`${mail}/tmp`) &&
      existsSync(`${mail}/new`) &&
      isWritable(control)
    )
      return true
    makeMaildir(mail, false, permissionsOf(mail))
    makeParents(control, permissionsBelow(this.#location.path))
    cleanTemporary(mail, this.#context.now())
    notePrepared(mail, this.#context.now())
    return isWritable(control)
  }

  #place(name: string, mail: string, control: string): MailboxPlace {
    return {
      name: this.#names.shown(name),
      mail,
      control,
      context: this.#context,
      syncing: this.#syncing,
      newUidValidity: () => nextUidValidity(this.#controlRoot()),
    }
  }

  #controlRoot(): string {
    return this.#location.controlPath ?? this.#location.path
  }

  #subscriptionsPath(): string {
    return `${this.#controlRoot()}/${this.#location.options.get('SUBSCRIPTIONS') ?? 'subscriptions'}`
  }

  #subscriptionNames(): SubscriptionNames {
    return {
      separator: this.#layout.separator,
      encode: this.#names.encodeLevel,
      decode: this.#names.decodeLevel,
    }
  }
}

export interface MaildirParts {
  readonly layout: Layout
  readonly names: MailboxNames
  readonly syncing: Syncing
}

/** Mailboxes that this process found complete or made so, and when: deliveries need not look everywhere each time. */
const prepared = new Map<string, number>()
const PREPARED_MS = 60_000
const MOST_PREPARED = 10_000

function wasPrepared(mail: string, nowMs: number): boolean {
  return nowMs < (prepared.get(mail) ?? Number.NEGATIVE_INFINITY) + PREPARED_MS
}

function notePrepared(mail: string, nowMs: number): void {
  if (prepared.size >= MOST_PREPARED) prepared.clear()
  prepared.set(mail, nowMs)
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
