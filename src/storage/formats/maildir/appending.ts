import type { NewMessage } from '../../store.ts'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatAppending, FormatMailbox, FormatRecord } from '../format.ts'
import { hasCode, removeFile } from './disk.ts'
import { Draft } from './draft.ts'
import { refusalOfFullDisk } from './full-disk.ts'
import { sizeInName } from './file-name.ts'
import { tryLink } from './link-message.ts'
import type { MailboxState } from './mailbox-state.ts'
import { MessageFiles } from './message-files.ts'
import type { ComingMessage } from './placing.ts'
import { uniqueName } from './unique-name.ts'

// Messages are written to `tmp` and synced there. `commit` takes the lock, together with others that are ready, moves them to
// `cur` (with flags) or `new` (without), and then writes their lines into the uidlist: a file without a line is new mail, a line
// without a file is nothing, and who looks meanwhile without the lock never sees a message go and come back.

/** Files being synced at a time; more wait, so that a transaction of thousands does not hold thousands of files open. */
const MAX_SYNCING = 16

/** The mailbox that messages are put into. */
export interface AppendTarget {
  readonly state: MailboxState
  readonly uidValidity: number
  /** Puts messages there, all or none. Resolves with their UIDs when everything is on disk. */
  commitMessages(messages: readonly ComingMessage[]): Promise<readonly number[]>
}

export class MaildirAppending implements FormatAppending {
  readonly #mailbox: AppendTarget
  readonly #messages: ComingMessage[] = []
  readonly #syncing = new Set<Promise<void>>()
  readonly ended = { sizeBytes: 0, storedBytes: 0, storageId: '' }
  #draft: Draft | undefined
  /** Messages of this mailbox can be linked here. */
  #linksFrom: MessageFiles | undefined

  constructor(mailbox: AppendTarget) {
    this.#mailbox = mailbox
  }

  begin(message: NewMessage): Promise<void> {
    this.#draft = new Draft(this.#mailbox.state.place, message)
    return Promise.resolve()
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const flushing = this.#draft?.write(chunk)
    return flushing === undefined ? undefined : refusingFullDisks(() => flushing)
  }

  async end(): Promise<void> {
    const draft = this.#draft
    if (draft === undefined) return
    const { message, synced } = await refusingFullDisks(() => draft.end())
    this.#draft = undefined
    this.ended.sizeBytes += sizeInName(message.base, 'W') ?? 0
    this.ended.storageId = message.base
    this.ended.storedBytes += sizeInName(message.base, 'S') ?? 0
    this.#messages.push(message)
    this.#syncing.add(synced)
    if (this.#syncing.size >= MAX_SYNCING) await this.#synced()
  }

  async #synced(): Promise<void> {
    const all = [...this.#syncing]
    this.#syncing.clear()
    await Promise.all(all)
  }

  link(
    from: FormatMailbox,
    record: FormatRecord,
    flags: { readonly bits: number; readonly keywords: readonly string[] },
  ): Promise<true | undefined> {
    const { place } = this.#mailbox.state
    const files = 'files' in from ? from.files : undefined
    if (!(files instanceof MessageFiles) || !place.context.settings.maildir_copy_with_hardlinks) {
      return Promise.resolve(undefined)
    }
    const { guid } = from.identity(record)
    const message = { base: guid, extensions: '', linkedFrom: guid, ...flags }
    // The first shows that there can be links; the others are made where they belong, which saves moving them.
    if (this.#linksFrom === files) {
      this.#messages.push({ ...message, path: undefined, source: { files, record } })
      return Promise.resolve(true)
    }
    const path = `${place.mail}/tmp/${uniqueName(place.context.hostname)}`
    if (!tryLink({ files, record }, path)) return Promise.resolve(undefined)
    this.#linksFrom = files
    this.#messages.push({ ...message, path })
    return Promise.resolve(true)
  }

  settle(): Promise<void> {
    return refusingFullDisks(() => this.#synced())
  }

  async commit(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }> {
    const mailbox = this.#mailbox
    const uids = await refusingFullDisks(async () => {
      await this.#synced()
      return await mailbox.commitMessages(this.#messages)
    })
    this.#messages.length = 0
    return { uidValidity: mailbox.uidValidity, uids }
  }

  abort(): Promise<void> {
    this.#draft?.abort()
    this.#draft = undefined
    for (const { path } of this.#messages.splice(0)) if (path !== undefined) removeFile(path)
    return Promise.resolve()
  }
}

async function refusingFullDisks<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new StoreRefusal('not-found', 'Mailbox was deleted under us', { cause: error })
    throw refusalOfFullDisk(error)
  }
}
