import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { InternedFlags } from '../../src/storage/flag-table.ts'
import type {
  FormatChanges,
  FormatContext,
  FormatRecord,
  FormatSettings,
  FormatStore,
  MailLocation,
} from '../../src/storage/formats/format.ts'
import type { Syncing } from '../../src/storage/formats/maildir/disk.ts'
import { openMaildirFormat } from '../../src/storage/formats/maildir/index.ts'
import type { MaildirMailbox } from '../../src/storage/formats/maildir/mailbox.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { maildirAt } from './session.ts'

export interface PlaceOptions {
  readonly location?: (dir: string) => Partial<MailLocation>
  readonly settings?: Partial<FormatSettings>
  readonly syncing?: Syncing
  readonly now?: () => number
}

/** A directory for Maildirs, removed when the test ends. */
export interface MaildirPlace {
  readonly dir: string
  /** The location's root. */
  readonly root: string
  readonly context: FormatContext
  /** What was logged as a warning or worse. */
  readonly complaints: readonly string[]
  readonly store: FormatStore
}

/** Nothing is in the root yet. */
export function maildirPlace(t: TestContext, options: PlaceOptions = {}): MaildirPlace {
  const dir = makeTempDir('maildir')
  t.after(() => removeTempDir(dir))
  const complaints: string[] = []
  const context = testContext(complaints, options)
  const location = maildirAt(join(dir, 'Maildir'), options.location?.(dir))
  return {
    dir,
    root: location.path,
    context,
    complaints,
    store: openMaildirFormat(options.syncing).open(location, context),
  }
}

export function testContext(complaints: string[], { settings, now = Date.now }: PlaceOptions = {}): FormatContext {
  return {
    user: 'joe',
    hostname: 'host.example.org',
    separator: '/',
    settings: {
      maildir_copy_with_hardlinks: true,
      mail_save_crlf: false,
      mail_fsync: 'never',
      mail_max_lock_timeout: 0,
      ...settings,
    },
    now,
    log: (level, text) => {
      if (level === 'warning' || level === 'error') complaints.push(`${level}: ${text}`)
    },
  }
}

/** A mailbox of the place, and the records it told of. */
export class TestMailbox {
  readonly table = new InternedFlags()
  readonly records = new Map<number, FormatRecord>()
  #mailbox: MaildirMailbox | undefined

  static async open(store: FormatStore, name = 'INBOX'): Promise<TestMailbox> {
    const opened = new TestMailbox()
    const entries = await store.list()
    if (!entries.some((entry) => entry.name === name && entry.selectable)) await store.create(name, {})
    opened.#mailbox = (await store.open(name, opened.table)) as MaildirMailbox
    return opened
  }

  get format(): MaildirMailbox {
    if (this.#mailbox === undefined) throw new Error('not open')
    return this.#mailbox
  }

  async sync(options: { readonly keepNew?: boolean } = {}): Promise<FormatChanges> {
    const changes = await this.format.sync(options)
    for (const { uid } of changes.expunged) this.records.delete(uid)
    for (const record of changes.added) this.records.set(record.uid, record)
    for (const { record, flags } of changes.flags) record.flags = flags
    return changes
  }

  record(uid: number): FormatRecord {
    const record = this.records.get(uid)
    if (record === undefined) throw new Error(`no UID ${uid}`)
    return record
  }

  /** UID, flags and the first line of each message. */
  async lines(): Promise<string[]> {
    await this.sync()
    const records = [...this.records.values()].sort((one, other) => one.uid - other.uid)
    return records.map(({ uid, flags }) => `${uid} ${flags.text} ${this.text(uid).split('\n')[0]}`)
  }

  text(uid: number): string {
    const message = this.format.openMessage(this.record(uid))
    if (message instanceof Promise) throw new Error('a compressed message')
    const bytes = message.read(0, message.sizeBytes)
    if (bytes instanceof Promise) throw new Error('a large message')
    return bytes.toString('latin1')
  }

  async append(text: string, bits = 0, keywords: readonly string[] = [], internalDateMs?: number): Promise<number> {
    const appending = await this.format.beginAppend()
    await appending.begin({ bits, keywords, ...(internalDateMs === undefined ? {} : { internalDateMs }) })
    await appending.write(Buffer.from(text))
    await appending.end()
    return (await appending.commit()).uids[0] ?? 0
  }

  async setFlags(uid: number, bits: number, keywords: readonly string[] = []): Promise<readonly FormatRecord[]> {
    const record = this.record(uid)
    const flags = this.table.flags(bits, keywords)
    const gone = await this.format.setFlags([{ record, flags }])
    if (gone.length === 0) record.flags = flags
    return gone
  }
}
