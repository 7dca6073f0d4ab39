// Changes to mail in the log: Dovecot's plugin mail_log.
import type { Appending, CreateOptions, Mailbox, MailStore } from '../store.ts'
import { StoreAround } from '../store-around.ts'
import { StoreRefusal } from '../refusal.ts'
import { LoggedAppending } from './logged-appending.ts'
import { LoggedMailbox, mailboxName } from './logged-mailbox.ts'
import type { MailLog } from './mail-log.ts'

/** The store with its changes logged, each once it is done. What is refused is not logged. */
export function withMailLog(store: MailStore, log: MailLog): MailStore {
  return new LoggedStore(store, log)
}

class LoggedStore extends StoreAround {
  readonly #log: MailLog

  constructor(store: MailStore, log: MailLog) {
    super(store)
    this.#log = log
  }

  override async create(name: string, options?: CreateOptions): Promise<void> {
    await this.inner.create(name, options)
    this.#log.created(name)
  }

  override async delete(name: string): Promise<void> {
    const tell = await this.#expungingAll(name)
    await this.inner.delete(name)
    tell?.()
    this.#log.deleted(name)
  }

  override async rename(from: string, to: string): Promise<void> {
    await this.inner.rename(from, to)
    this.#log.renamed(mailboxName(from), to)
  }

  override async open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    return new LoggedMailbox(await this.inner.open(name, mode), this.#log)
  }

  override async beginAppend(name: string): Promise<Appending> {
    const appending = await this.inner.beginAppend(name)
    return this.#log.has('save') ? new LoggedAppending(appending, this.#log) : appending
  }

  /** All messages of a mailbox that is about to go. */
  async #expungingAll(name: string): Promise<(() => void) | undefined> {
    if (!this.#log.has('expunge') || mailboxName(name) === 'INBOX') return undefined
    try {
      const mailbox = await this.inner.open(name, 'read-only')
      try {
        await mailbox.sync({ expunge: true, look: 'now' })
        const uids = Array.from({ length: mailbox.count }, (_, at) => mailbox.message(at + 1).uid)
        return await this.#log.removing(mailbox, uids, { isGone: () => true })
      } finally {
        await mailbox.close()
      }
    } catch (error) {
      // A directory that is no mailbox; whether it can be deleted the store says.
      if (error instanceof StoreRefusal) return undefined
      throw error
    }
  }
}
