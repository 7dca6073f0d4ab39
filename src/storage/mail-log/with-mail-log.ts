// Changes to mail in the log: Dovecot's plugin mail_log.
import type {
  Appending,
  CreateOptions,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  MailStore,
  QuotaRoot,
  StoreNamespace,
} from '../store.ts'
import { StoreRefusal } from '../refusal.ts'
import { LoggedAppending } from './logged-appending.ts'
import { LoggedMailbox, mailboxName } from './logged-mailbox.ts'
import type { MailLog } from './mail-log.ts'

/** The store with its changes logged, each once it is done. What is refused is not logged. */
export function withMailLog(store: MailStore, log: MailLog): MailStore {
  return new LoggedStore(store, log)
}

class LoggedStore implements MailStore {
  readonly user: string
  readonly namespaces: readonly StoreNamespace[]
  readonly #store: MailStore
  readonly #log: MailLog

  constructor(store: MailStore, log: MailLog) {
    this.user = store.user
    this.namespaces = store.namespaces
    this.#store = store
    this.#log = log
  }

  list(patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    return this.#store.list(patterns)
  }

  subscriptions(): Promise<readonly string[]> {
    return this.#store.subscriptions()
  }

  subscribe(name: string, subscribed: boolean): Promise<void> {
    return this.#store.subscribe(name, subscribed)
  }

  async create(name: string, options?: CreateOptions): Promise<void> {
    await this.#store.create(name, options)
    this.#log.created(name)
  }

  async delete(name: string): Promise<void> {
    const tell = await this.#expungingAll(name)
    await this.#store.delete(name)
    tell?.()
    this.#log.deleted(name)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#store.rename(from, to)
    this.#log.renamed(mailboxName(from), to)
  }

  status(name: string): Promise<MailboxStatus> {
    return this.#store.status(name)
  }

  async open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    return new LoggedMailbox(await this.#store.open(name, mode), this.#log)
  }

  async beginAppend(name: string): Promise<Appending> {
    const appending = await this.#store.beginAppend(name)
    return this.#log.has('save') ? new LoggedAppending(appending, this.#log) : appending
  }

  quotaRoots(name: string): Promise<readonly QuotaRoot[]> {
    return this.#store.quotaRoots(name)
  }

  autoexpunge(): Promise<number> {
    return this.#store.autoexpunge()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** All messages of a mailbox that is about to go. */
  async #expungingAll(name: string): Promise<(() => void) | undefined> {
    if (!this.#log.has('expunge') || mailboxName(name) === 'INBOX') return undefined
    try {
      const mailbox = await this.#store.open(name, 'read-only')
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
