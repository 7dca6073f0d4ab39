import { hostname } from 'node:os'
import { InternedFlags } from '../../src/storage/flag-table.ts'
import { systemFlagNames, type Flags } from '../../src/storage/flags.ts'
import type { FormatMailbox, FormatRecord, FormatStore, MailLocation } from '../../src/storage/formats/format.ts'
import { openMaildirFormat } from '../../src/storage/formats/maildir/index.ts'
import { StoreRefusal } from '../../src/storage/refusal.ts'

/** A mailbox as both servers must see it. Flags are sorted, without \Recent. */
export interface MailboxSnapshot {
  readonly uidValidity: number
  readonly uidNext: number
  readonly messages: readonly { readonly uid: number; readonly flags: readonly string[]; readonly subject: string }[]
}

export interface MaildirSnapshot {
  readonly mailboxes: Readonly<Record<string, MailboxSnapshot>>
  readonly subscriptions: readonly string[]
}

export interface NewTestMessage {
  readonly subject: string
  readonly bits: number
  readonly keywords: readonly string[]
}

interface OpenMailbox {
  readonly format: FormatMailbox
  readonly table: InternedFlags
  readonly records: Map<number, FormatRecord>
}

/** A `maildir:` location without any other keys. */
export function maildirAt(path: string, more: Partial<MailLocation> = {}): MailLocation {
  return {
    format: 'maildir',
    path,
    layout: 'maildir++',
    inboxPath: undefined,
    indexPath: undefined,
    indexPrivatePath: undefined,
    controlPath: undefined,
    options: new Map(),
    ...more,
  }
}

/** Works on a Maildir with our format, mailboxes staying open between the calls, as a server's do. */
export class MaildirSession {
  readonly log: string[] = []
  readonly #store: FormatStore
  readonly #open = new Map<string, OpenMailbox>()

  constructor(root: string, location: Partial<MailLocation> = {}) {
    this.#store = openMaildirFormat().open(maildirAt(root, location), {
      user: 'joe',
      hostname: hostname(),
      separator: '/',
      settings: {
        maildir_copy_with_hardlinks: true,
        mail_save_crlf: false,
        mail_fsync: 'optimized',
        mail_max_lock_timeout: 0,
      },
      now: Date.now,
      log: (level, text) => this.log.push(`${level}: ${text}`),
    })
  }

  async snapshot(): Promise<MaildirSnapshot> {
    const entries = (await this.#store.list()).filter(({ selectable }) => selectable)
    const mailboxes: Record<string, MailboxSnapshot> = {}
    for (const { name } of entries) mailboxes[name] = await this.mailbox(name)
    return { mailboxes, subscriptions: [...(await this.#store.subscriptions())].sort() }
  }

  async mailbox(name: string): Promise<MailboxSnapshot> {
    const { format, records } = await this.#synced(name)
    const messages: MailboxSnapshot['messages'][number][] = []
    for (const record of records.values()) {
      const subject = await subjectOf(format, record)
      const flags = [...systemFlagNames(record.flags.bits), ...record.flags.keywords].sort()
      if (subject !== undefined) messages.push({ uid: record.uid, flags, subject })
    }
    return { uidValidity: format.uidValidity, uidNext: format.uidNext, messages }
  }

  async append(name: string, messages: readonly NewTestMessage[]): Promise<readonly number[]> {
    const { format } = await this.#mailbox(name)
    const appending = await format.beginAppend()
    for (const { subject, bits, keywords } of messages) {
      await appending.begin({ bits, keywords })
      await appending.write(Buffer.from(`Subject: ${subject}\r\n\r\nHello.\r\n`))
      await appending.end()
    }
    return (await appending.commit()).uids
  }

  async setFlags(name: string, uid: number, bits: number, keywords: readonly string[]): Promise<boolean> {
    return this.#changeFlags(name, uid, (_, table) => table.flags(bits, keywords))
  }

  /** Adds a keyword to what the message has. False when it is gone. */
  async addKeyword(name: string, uid: number, keyword: string): Promise<boolean> {
    return this.#changeFlags(name, uid, ({ bits, keywords }, table) =>
      table.flags(bits, [...new Set([...keywords, keyword])]),
    )
  }

  async #changeFlags(
    name: string,
    uid: number,
    change: (flags: Flags, table: InternedFlags) => Flags,
  ): Promise<boolean> {
    const { format, table, records } = await this.#synced(name)
    const record = records.get(uid)
    if (record === undefined) return false
    const flags = change(record.flags, table)
    const gone = await format.setFlags([{ record, flags }])
    for (const one of gone) records.delete(one.uid)
    if (gone.length === 0) record.flags = flags
    return gone.length === 0
  }

  async expunge(name: string, uids: readonly number[]): Promise<readonly number[]> {
    const { format, records } = await this.#synced(name)
    const doomed = uids.map((uid) => records.get(uid)).filter((record) => record !== undefined)
    const gone = await format.expunge(doomed)
    for (const { uid } of gone) records.delete(uid)
    return gone.map(({ uid }) => uid)
  }

  async copy(from: string, uids: readonly number[], to: string): Promise<readonly number[]> {
    const source = await this.#synced(from)
    const { format } = await this.#mailbox(to)
    const appending = await format.beginAppend()
    for (const uid of uids) {
      const record = source.records.get(uid)
      if (record !== undefined) await appending.link(source.format, record, record.flags)
    }
    return (await appending.commit()).uids
  }

  async move(from: string, uids: readonly number[], to: string): Promise<readonly number[]> {
    const copied = await this.copy(from, uids, to)
    await this.expunge(from, uids)
    return copied
  }

  async create(name: string): Promise<void> {
    await this.#store.create(name, {})
  }

  async rename(from: string, to: string): Promise<void> {
    this.#forget(from)
    await this.#store.rename(from, to)
  }

  async delete(name: string): Promise<void> {
    this.#forget(name)
    await this.#store.delete(name)
  }

  async subscribe(name: string, subscribed: boolean): Promise<void> {
    await this.#store.subscribe(name, subscribed)
  }

  #forget(name: string): void {
    for (const known of this.#open.keys()) {
      if (known === name || known.startsWith(`${name}/`)) this.#open.delete(known)
    }
  }

  async #mailbox(name: string): Promise<OpenMailbox> {
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const table = new InternedFlags()
    const opened = { format: await this.#store.open(name, table), table, records: new Map<number, FormatRecord>() }
    this.#open.set(name, opened)
    return opened
  }

  async #synced(name: string): Promise<OpenMailbox> {
    const opened = await this.#mailbox(name).then((mailbox) => this.#reopenedWhenGone(name, mailbox))
    const { format, records } = opened
    const { added, expunged, flags } = await format.sync()
    for (const changed of flags) changed.record.flags = changed.flags
    for (const record of added) records.set(record.uid, record)
    for (const record of expunged) if (records.get(record.uid) === record) records.delete(record.uid)
    return opened
  }

  /** Somebody deleted it and made another one of this name. */
  async #reopenedWhenGone(name: string, mailbox: OpenMailbox): Promise<OpenMailbox> {
    const before = mailbox.format.uidValidity
    const fresh = await this.#store.open(name, mailbox.table)
    if (fresh.uidValidity === before) return mailbox
    this.#open.delete(name)
    return this.#mailbox(name)
  }
}

/** `undefined` when somebody removed it just now. */
async function subjectOf(format: FormatMailbox, record: FormatRecord): Promise<string | undefined> {
  try {
    const message = await format.openMessage(record)
    const head = (await message.read(0, Math.min(message.sizeBytes, 200))).toString('latin1')
    message.close()
    return /^Subject: (.*?)\r?\n/i.exec(head)?.[1] ?? ''
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'expunged') return undefined
    throw error
  }
}
