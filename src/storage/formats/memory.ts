import { inspect } from 'node:util'
import { StoreRefusal } from '../refusal.ts'
import type { CreateOptions, MessageIdentity, StoredMessage } from '../store.ts'
import type {
  ChangedFlags,
  FlagTable,
  FormatAppending,
  FormatChanges,
  FormatContext,
  FormatEntry,
  FormatMailbox,
  FormatRecord,
  FormatStore,
  MailboxDirectories,
  MailFormat,
  MailLocation,
} from './format.ts'
import { MemoryAppending } from './memory-appending.ts'
import {
  addKeywords,
  type MemoryBox,
  type MemoryMessage,
  type MemoryRoot,
  newBox,
  refuse,
  touch,
} from './memory-box.ts'

/**
 * Mail in memory, for tests and trials. Locations of the same path show the same mail, as directories would, so that one
 * `MemoryFormat` plays a file system that several processes share.
 */
export class MemoryFormat implements MailFormat {
  readonly name = 'memory'
  readonly #roots = new Map<string, MemoryRoot>()

  open(location: MailLocation, context: FormatContext): FormatStore {
    let root = this.#roots.get(location.path)
    if (root === undefined) {
      root = { boxes: new Map(), directories: new Set(), subscriptions: [], nextUidValidity: 1 }
      this.#roots.set(location.path, root)
    }
    if (context.inbox !== false && !root.boxes.has('INBOX')) root.boxes.set('INBOX', newBox(root))
    return new MemoryStore(root, location.path, context)
  }
}

class MemoryStore implements FormatStore {
  readonly #root: MemoryRoot
  readonly #path: string
  readonly #context: FormatContext

  constructor(root: MemoryRoot, path: string, context: FormatContext) {
    this.#root = root
    this.#path = path
    this.#context = context
  }

  list(): Promise<readonly FormatEntry[]> {
    const selectable = [...this.#root.boxes.keys()]
    const parents = [...selectable, ...this.#root.directories].flatMap((name) => [...parentsOf(name)])
    const names = new Set([...selectable, ...this.#root.directories, ...parents])
    return Promise.resolve(
      [...names].map((name) => ({ name, selectable: this.#root.boxes.has(name), noInferiors: false })),
    )
  }

  subscriptions(): Promise<readonly string[]> {
    return Promise.resolve([...this.#root.subscriptions])
  }

  subscribe(name: string, subscribed: boolean): Promise<void> {
    const others = this.#root.subscriptions.filter((known) => known !== name)
    if (!subscribed) this.#root.subscriptions = others
    else if (others.length === this.#root.subscriptions.length) this.#root.subscriptions = [...others, name]
    return Promise.resolve()
  }

  create(name: string, { directory = false }: CreateOptions): Promise<void> {
    if (this.#root.boxes.has(name)) return refuse('exists', 'Mailbox already exists')
    if (directory) this.#root.directories.add(name)
    else this.#root.boxes.set(name, newBox(this.#root))
    return Promise.resolve()
  }

  delete(name: string): Promise<void> {
    const box = this.#root.boxes.get(name)
    const was = this.#root.boxes.delete(name) || this.#root.directories.delete(name)
    if (!was) return refuse('not-found', `Mailbox doesn't exist: ${this.#shown(name)}`)
    if (box) endBox(box)
    return Promise.resolve()
  }

  rename(from: string, to: string, into?: FormatStore): Promise<void> {
    if (into !== undefined) return refuse('cannot', "Can't rename mailboxes across specified storages.")
    if (this.#root.boxes.has(to)) return refuse('exists', 'Target mailbox already exists')
    if (from === 'INBOX' && this.#context.inbox !== false) return refuse('cannot', "Renaming INBOX isn't supported.")
    const below = `${from}/`
    const moved = (name: string): string | undefined =>
      name === from || name.startsWith(below) ? to + name.slice(from.length) : undefined
    if (![...this.#root.boxes.keys(), ...this.#root.directories].some((name) => moved(name) !== undefined)) {
      return refuse('not-found', `Mailbox doesn't exist: ${this.#shown(from)}`)
    }
    for (const [name, known] of new Map(this.#root.boxes)) {
      const target = moved(name)
      if (target === undefined) continue
      this.#root.boxes.delete(name)
      this.#root.boxes.set(target, known)
    }
    for (const name of new Set(this.#root.directories)) {
      const target = moved(name)
      if (target !== undefined && this.#root.directories.delete(name)) this.#root.directories.add(target)
    }
    return Promise.resolve()
  }

  directories(name: string): MailboxDirectories {
    const path = `memory:${this.#path}/${name}`
    return { mail: path, control: path, index: undefined }
  }

  open(name: string, flags: FlagTable): Promise<FormatMailbox> {
    const box = this.#root.boxes.get(name)
    if (box === undefined) return refuse('not-found', `Mailbox doesn't exist: ${this.#shown(name)}`)
    return Promise.resolve(new MemoryMailbox(box, flags, this.#context))
  }

  #shown(name: string): string {
    return name.replaceAll('/', this.#context.separator)
  }
}

function endBox(box: MemoryBox): void {
  box.deleted = true
  box.messages.clear()
  touch(box)
}

function* parentsOf(name: string): Iterable<string> {
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) yield name.slice(0, at)
}

class MemoryMailbox implements FormatMailbox {
  readonly readOnly = false
  readonly #box: MemoryBox
  readonly #flags: FlagTable
  readonly #context: FormatContext
  readonly #records = new Map<number, FormatRecord>()
  #version = -1
  #uidNext = 1
  #keywords: readonly string[] = []

  constructor(box: MemoryBox, flags: FlagTable, context: FormatContext) {
    this.#box = box
    this.#flags = flags
    this.#context = context
  }

  get uidValidity(): number {
    return this.#box.uidValidity
  }

  get uidNext(): number {
    return this.#uidNext
  }

  get guid(): string {
    return this.#box.guid
  }

  get keywords(): readonly string[] {
    return this.#keywords
  }

  changed(): boolean {
    return this.#version !== this.#box.version
  }

  sync(): Promise<FormatChanges> {
    if (this.#box.deleted) return refuse('not-found', 'Mailbox was deleted under us')
    this.#version = this.#box.version
    this.#uidNext = this.#box.uidNext
    this.#keywords = [...this.#box.keywords]
    const changes = { added: this.#added(), expunged: this.#expunged(), flags: this.#changedFlags() }
    return Promise.resolve({ ...changes, recent: this.#takeRecent() })
  }

  setFlags(changes: readonly ChangedFlags[]): Promise<readonly FormatRecord[]> {
    const gone: FormatRecord[] = []
    for (const { record, flags } of changes) {
      const message = this.#box.messages.get(record.uid)
      if (message === undefined) {
        this.#records.delete(record.uid)
        gone.push(record)
        continue
      }
      message.bits = flags.bits
      message.keywords = flags.keywords
      addKeywords(this.#box, flags.keywords)
    }
    this.#changedByUs()
    return Promise.resolve(gone)
  }

  expunge(records: readonly FormatRecord[]): Promise<readonly FormatRecord[]> {
    for (const { uid } of records) {
      this.#box.messages.delete(uid)
      this.#records.delete(uid)
    }
    this.#changedByUs()
    return Promise.resolve([...records])
  }

  openMessage({ uid }: FormatRecord): StoredMessage {
    const { bytes } = this.#message(uid)
    return {
      sizeBytes: bytes.length,
      read: (from, to) => bytes.subarray(from, to),
      close: () => undefined,
    }
  }

  internalDate({ uid }: FormatRecord): number | Promise<number> {
    const message = this.#box.messages.get(uid)
    return message ? message.internalDateMs : refuse('expunged', 'Message was expunged')
  }

  sizeOf(): number | undefined {
    return undefined
  }

  keyOf({ uid }: FormatRecord): string {
    return this.#box.messages.get(uid)?.key ?? String(uid)
  }

  identity(record: FormatRecord): MessageIdentity {
    const key = this.keyOf(record)
    return { fileName: key, guid: key, pop3Uidl: undefined }
  }

  beginAppend(): Promise<FormatAppending> {
    return Promise.resolve(
      new MemoryAppending(this.#box, this.#context, (from, record) =>
        from instanceof MemoryMailbox ? from.#message(record.uid) : undefined,
      ),
    )
  }

  watch(listener: () => void): () => void {
    this.#box.watchers.add(listener)
    return () => this.#box.watchers.delete(listener)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  [inspect.custom](): string {
    return `MemoryMailbox(${this.#box.uidValidity})`
  }

  #message(uid: number): MemoryMessage {
    const message = this.#box.messages.get(uid)
    if (message === undefined) throw new StoreRefusal('expunged', 'Message was expunged')
    return message
  }

  /** Our own change is no news, unless others changed something too. */
  #changedByUs(): void {
    if (!this.changed()) this.#version += 1
    this.#keywords = [...this.#box.keywords]
    touch(this.#box)
  }

  #added(): FormatRecord[] {
    const added: FormatRecord[] = []
    for (const { uid, bits, keywords } of this.#box.messages.values()) {
      if (this.#records.has(uid)) continue
      const record: FormatRecord = { uid, flags: this.#flags.flags(bits, keywords), modSeq: 0, expunged: false }
      this.#records.set(uid, record)
      added.push(record)
    }
    return added
  }

  #expunged(): FormatRecord[] {
    const expunged = [...this.#records.values()].filter(({ uid }) => !this.#box.messages.has(uid))
    for (const { uid } of expunged) this.#records.delete(uid)
    return expunged
  }

  #changedFlags(): ChangedFlags[] {
    const changed: ChangedFlags[] = []
    for (const record of this.#records.values()) {
      const message = this.#box.messages.get(record.uid)
      if (message === undefined) continue
      const flags = this.#flags.flags(message.bits, message.keywords)
      if (flags !== record.flags) changed.push({ record, flags })
    }
    return changed
  }

  #takeRecent(): number[] {
    const recent = [...this.#box.messages.values()].filter((message) => message.recent)
    for (const message of recent) message.recent = false
    return recent.map(({ uid }) => uid)
  }
}
