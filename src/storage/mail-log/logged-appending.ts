import type { Appending, NewMessage, StoredSizes } from '../store.ts'
import { flagsText, type LoggedMessage } from './event-line.ts'
import { HeaderCatcher } from './header-catcher.ts'
import { HEADER_FIELDS, headerTexts, NO_HEADER } from './header-texts.ts'
import { mailboxName } from './logged-mailbox.ts'
import type { MailLog } from './mail-log.ts'

interface Saved {
  readonly flags: string
  readonly message: LoggedMessage
}

/** New messages that are logged, once they are there. */
export class LoggedAppending implements Appending {
  readonly #inner: Appending
  readonly #log: MailLog
  readonly #wantsHeader: boolean
  readonly #saved: Saved[] = []
  #current: NewMessage | undefined
  #header = new HeaderCatcher()
  /** Of the message begun last, and of all that were ended before, as they are stored. */
  #writtenBytes = 0
  #before: StoredSizes | undefined

  constructor(inner: Appending, log: MailLog) {
    this.#inner = inner
    this.#log = log
    this.#wantsHeader = HEADER_FIELDS.some(([field]) => log.settings.fields.has(field))
  }

  get mailbox(): string {
    return this.#inner.mailbox
  }

  get ended(): StoredSizes | undefined {
    return this.#inner.ended
  }

  async begin(message: NewMessage): Promise<void> {
    this.#current = message
    this.#header = new HeaderCatcher()
    this.#writtenBytes = 0
    await this.#inner.begin(message)
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#writtenBytes += chunk.length
    if (this.#wantsHeader) this.#header.push(chunk)
    return this.#inner.write(chunk)
  }

  async end(): Promise<void> {
    this.#before = this.ended && { ...this.ended }
    await this.#inner.end()
    const { bits, keywords } = this.#current ?? { bits: 0, keywords: [] }
    const { ended } = this
    this.#saved.push({
      flags: flagsText(bits, keywords, false),
      message: {
        texts: this.#wantsHeader ? headerTexts(this.#header.header) : NO_HEADER,
        storedBytes: ended === undefined ? this.#writtenBytes : ended.storedBytes - (this.#before?.storedBytes ?? 0),
        virtualBytes: ended === undefined ? this.#writtenBytes : ended.sizeBytes - (this.#before?.sizeBytes ?? 0),
      },
    })
  }

  async commit(): ReturnType<Appending['commit']> {
    const committed = await this.#inner.commit()
    const box = mailboxName(this.mailbox)
    for (const [at, { flags, message }] of this.#saved.entries())
      this.#log.message({ what: 'save', box, uid: committed.uids[at], flags }, message)
    return committed
  }

  abort(): Promise<void> {
    return this.#inner.abort()
  }
}
