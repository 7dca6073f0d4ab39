import type { Mailbox, MessageRecord } from '../store.ts'
import type { StoreNotice } from '../store-notice.ts'
import { boxText, eventLine, flagsText, type LoggedMessage, type MessageEvent, UNKNOWN_MESSAGE } from './event-line.ts'
import type { MailLogEvent, MailLogSettings } from './mail-log-settings.ts'
import { readMessages } from './read-messages.ts'

/** Lines about changes of one user's mail. */
export class MailLog implements StoreNotice {
  readonly settings: MailLogSettings
  readonly #write: (line: string) => void

  constructor(settings: MailLogSettings, write: (line: string) => void) {
    this.settings = settings
    this.#write = write
  }

  has(event: MailLogEvent): boolean {
    return this.settings.events.has(event)
  }

  message(event: MessageEvent, message: LoggedMessage | undefined): void {
    this.#write(eventLine(event, message ?? UNKNOWN_MESSAGE, this.settings.fields))
  }

  created(name: string): void {
    if (this.has('mailbox_create')) this.#write(`Mailbox created: ${boxText(name)}`)
  }

  deleted(name: string): void {
    if (this.has('mailbox_delete')) this.#write(`Mailbox deleted: ${boxText(name)}`)
  }

  renamed(from: string, to: string): void {
    if (this.has('mailbox_rename')) this.#write(`Mailbox renamed: ${boxText(from)} -> ${boxText(to)}`)
  }

  async expunging(mailbox: Mailbox, uids: readonly number[]): Promise<() => void> {
    return await this.removing(mailbox, uids, { what: 'autoexpunge', isGone: () => true })
  }

  /** What the lines say is read while the messages are there; they are written when that is called, about those that went. */
  async removing(
    mailbox: Mailbox,
    uids: readonly number[],
    { what = 'expunge', isGone }: { readonly what?: string; readonly isGone: (uid: number) => boolean },
  ): Promise<() => void> {
    if (!this.has('expunge') || uids.length === 0) return () => undefined
    const messages = await readMessages(mailbox, uids, this.settings)
    const flags = new Map(uids.map((uid) => [uid, flagsOf(mailbox, uid)]))
    return () => {
      for (const uid of uids) {
        if (!isGone(uid)) continue
        const event = { what, box: mailbox.name, uid, flags: flags.get(uid) ?? '' }
        this.message(event, messages.get(uid))
      }
    }
  }
}

/** The inside of a FLAGS list. */
function flagsOf(mailbox: Mailbox, uid: number): string {
  const { bits, keywords } = recordOf(mailbox, uid)?.flags ?? { bits: 0, keywords: [] }
  return flagsText(bits, keywords, mailbox.isRecent(uid))
}

/** `undefined` when it is not in the view. */
export function recordOf(mailbox: Mailbox, uid: number): MessageRecord | undefined {
  const sequence = mailbox.sequenceOf(uid)
  return sequence === 0 ? undefined : mailbox.message(sequence)
}
