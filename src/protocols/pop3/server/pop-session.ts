import type { ByteStream } from '../../../net/byte-stream.ts'
import type { MailSession } from '../../mail-session.ts'
import type { PopMailbox, PopMessage } from './pop-mailbox.ts'

/** How a session ends; `reason` is for the log. */
export interface PopEnd {
  readonly reason: string
}

/** The transaction state of one client: what its commands share. RFC 1939 §5. */
export class PopSession {
  readonly stream: ByteStream
  readonly mail: MailSession
  readonly inbox: PopMailbox
  /** Numbers from 0. */
  readonly deleted = new Set<number>()
  readonly retrieved = new Set<number>()
  /** The largest number that was seen, now or before; 0 is none. For LAST. */
  last = 0
  badCommands = 0
  /** The command that runs was answered with -ERR. */
  hasFailed = false
  /** Removed by QUIT. */
  expunged = 0
  /** What UIDL told, where the last line of the log says how that changed. */
  uidls: readonly string[] | undefined
  /** X-UIDL headers by UID, once they were read. */
  xuidls: ReadonlyMap<number, string> | undefined
  readonly counts = { top: 0, topBytes: 0, retr: 0, retrBytes: 0 }

  /** Where counting begins: what went through the stream before is not the session's. */
  readonly start: { readonly bytesIn: number; readonly bytesOut: number }

  constructor(stream: ByteStream, mail: MailSession, inbox: PopMailbox, start: PopSession['start']) {
    this.stream = stream
    this.start = start
    this.mail = mail
    this.inbox = inbox
    this.last = inbox.lastSeen
  }

  get messages(): readonly PopMessage[] {
    return this.inbox.messages
  }

  say(line: string): undefined {
    if (line.startsWith('-ERR')) this.hasFailed = true
    this.stream.write(`${line}\r\n`)
  }

  /** Numbers (from 0) that are not deleted. */
  *left(): Iterable<number> {
    for (let index = 0; index < this.messages.length; index++) if (!this.deleted.has(index)) yield index
  }

  hasWorkaround(name: string): boolean {
    return this.mail.settings.pop3_client_workarounds.includes(name)
  }
}

/** Totals over all messages, deleted ones included or not. */
export function totalBytes(messages: readonly PopMessage[], numbers?: Iterable<number>): number {
  let total = 0
  if (numbers === undefined) for (const { sizeBytes } of messages) total += sizeBytes
  else for (const index of numbers) total += messages[index]?.sizeBytes ?? 0
  return total
}
