import { renameSync, unlinkSync } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { StoreRefusal } from '../../refusal.ts'
import type { NewMessage } from '../../store.ts'
import type { FormatAppending, FormatMailbox, FormatRecord } from '../format.ts'
import { hasCode, pathOf, removeFile } from './disk.ts'
import { Draft, type TemporaryMessage } from './draft.ts'
import { refusalOfFullDisk } from './full-disk.ts'
import { withExtraKeywords } from './extra-keywords.ts'
import { sizeInName, withInfo } from './file-name.ts'
import { linkOrCopy, type LinkSource, tryLink } from './link-message.ts'
import type { MailboxState } from './mailbox-state.ts'
import { MessageFiles } from './message-files.ts'
import type { FoundFile } from './scan.ts'
import type { UidlistRecord } from './uidlist-text.ts'
import { uniqueName } from './unique-name.ts'

// Messages are written to `tmp` and synced there. `commit` takes the lock, moves them to `cur` (with flags) or `new`
// (without), and then writes their lines into the uidlist: a file without a line is new mail, a line without a file is
// nothing, and who looks meanwhile without the lock never sees a message go and come back.

/** Files being synced at a time; more wait, so that a transaction of thousands does not hold thousands of files open. */
const MAX_SYNCING = 16
/** Files moved between two turns of the event loop. */
const FILES_A_TURN = 64

/** A message of another mailbox that is linked when the transaction is committed. */
interface LinkedMessage extends Omit<TemporaryMessage, 'path'> {
  readonly path: undefined
  readonly source: LinkSource
}

interface MovedMessage {
  readonly path: string | Buffer
  readonly file: FoundFile
  readonly extensions: string
}

/** The mailbox that messages are put into. */
export interface AppendTarget {
  readonly state: MailboxState
  readonly uidValidity: number
  /** Runs a commit with the lock, the uidlist and the keywords as they are now. `needsNames`: all file names must be known. */
  appendLocked<T>(options: { readonly needsNames: boolean }, work: () => Promise<T>): Promise<T>
  /** Takes note of messages that `work` put there. */
  appended(entries: readonly UidlistRecord[], files: readonly FoundFile[]): void
}

export class MaildirAppending implements FormatAppending {
  readonly #mailbox: AppendTarget
  readonly #messages: (TemporaryMessage | LinkedMessage)[] = []
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

  async commit(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }> {
    await this.#synced()
    const mailbox = this.#mailbox
    const links = this.#messages.some(({ linkedFrom }) => linkedFrom !== undefined)
    const uids = await refusingFullDisks(() =>
      mailbox.appendLocked({ needsNames: links }, async () => {
        const moved = await this.#moveAll()
        try {
          return await this.#list(moved)
        } catch (error) {
          for (const { path } of moved) unlinkSync(path)
          throw error
        }
      }),
    )
    this.#messages.length = 0
    return { uidValidity: mailbox.uidValidity, uids }
  }

  abort(): Promise<void> {
    this.#draft?.abort()
    this.#draft = undefined
    for (const { path } of this.#messages.splice(0)) if (path !== undefined) removeFile(path)
    return Promise.resolve()
  }

  async #moveAll(): Promise<MovedMessage[]> {
    const moved: MovedMessage[] = []
    const taken = new Set<string>()
    try {
      for (const [index, message] of this.#messages.entries()) {
        if (index % FILES_A_TURN === FILES_A_TURN - 1) await yieldToOthers()
        moved.push(this.#move(this.#named(message, taken)))
      }
      return moved
    } catch (error) {
      for (const { path } of moved) unlinkSync(path)
      throw error
    }
  }

  /** A hard link keeps the name of what it was copied from, as its identity, unless that is taken here. */
  #named<Message extends TemporaryMessage | LinkedMessage>(message: Message, taken: Set<string>): Message {
    const { state } = this.#mailbox
    const { base, linkedFrom } = message
    const free = linkedFrom === undefined || !(state.hasBase(base) || taken.has(base))
    taken.add(base)
    if (free) return message
    const sizes = (['S', 'W'] as const).map((key) => {
      const size = sizeInName(base, key)
      return size === undefined ? '' : `,${key}=${size}`
    })
    return {
      ...message,
      base: uniqueName(state.place.context.hostname) + sizes.join(''),
      extensions: linkedFrom === undefined || / /.test(linkedFrom) ? '' : `G${linkedFrom}`,
    }
  }

  #move(message: TemporaryMessage | LinkedMessage): MovedMessage {
    const { base, extensions, bits, keywords } = message
    const { state } = this.#mailbox
    const { letters, extra } = state.lettersOf(keywords)
    const isNew = bits === 0 && keywords.length === 0
    const info = isNew ? '' : withInfo('', { bits, letters })
    const target = pathOf(`${state.place.mail}/${isNew ? 'new' : 'cur'}`, base + info)
    if (message.path === undefined) linkOrCopy(message.source, target)
    else renameSync(message.path, target)
    return { path: target, file: { base, info, isNew, moved: false }, extensions: withExtraKeywords(extensions, extra) }
  }

  /** Everything is on disk when it resolves. */
  async #list(moved: readonly MovedMessage[]): Promise<number[]> {
    const { state } = this.#mailbox
    const { syncing, mail } = state.place
    const directories = new Set(moved.map(({ file }) => (file.isNew ? 'new' : 'cur')))
    const [entries] = await Promise.all([
      state.addEntries(moved.map(({ file, extensions }) => ({ base: file.base, extensions }))),
      state.keywords.commit(),
      ...[...directories].map((directory) => syncing.directory(`${mail}/${directory}`)),
    ])
    this.#mailbox.appended(
      entries,
      moved.map(({ file }) => file),
    )
    return entries.map(({ uid }) => uid)
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
