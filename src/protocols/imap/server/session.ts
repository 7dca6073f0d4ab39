import type { ByteStream } from '../../../net/byte-stream.ts'
import type { Mailbox, MailStore } from '../../../storage/store.ts'
import type { MailSession } from '../../mail-session.ts'
import { SessionOver } from './bad-command.ts'
import { Output } from './output.ts'
import type { RemoteMailboxes } from './remote/remote-mailboxes.ts'

/** What the log line at the end counts: the variables of `imap_logout_format`. */
export interface SessionCounts {
  deleted: number
  expunged: number
  trashed: number
  appended: number
  autoexpunged: number
  fetchHeaderCount: number
  fetchHeaderBytes: number
  fetchBodyCount: number
  fetchBodyBytes: number
}

/** A selected mailbox, and what the client was told of it. */
export interface Selected {
  readonly mailbox: Mailbox
  /** EXAMINE: nothing is changed, not even \Seen. */
  readonly examined: boolean
  /** Keywords of the FLAGS line the client saw last. */
  keywordCount: number
  /** What came is not told now. */
  delayNews?: boolean
  /** What was not told yet. */
  untold?: { readonly exists: number | undefined; readonly recent: number | undefined } | undefined
}

/** One client and one user: what commands share. */
export class ImapSession {
  readonly mail: MailSession
  readonly out: Output
  readonly counts: SessionCounts = {
    deleted: 0,
    expunged: 0,
    trashed: 0,
    appended: 0,
    autoexpunged: 0,
    fetchHeaderCount: 0,
    fetchHeaderBytes: 0,
    fetchBodyCount: 0,
    fetchBodyBytes: 0,
  }
  selected: Selected | undefined
  /** Mailboxes that other servers keep, where there can be any. */
  remote: RemoteMailboxes | undefined
  /** RFC 7162 §3.1: the client said that it knows MODSEQs. */
  condstore = false
  /** RFC 7162 §3.2: EXPUNGE is said as VANISHED. */
  qresync = false
  loggedId = false
  /** Whether mailboxes that messages were copied to have the use `\Trash`: names of clients as they gave them. */
  readonly trashes = new Map<string, boolean>()
  /** RFC 4978: the stream is a compressed one. */
  compressed = false
  /** VANISHED was said since the last tagged reply. */
  toldVanished = false
  badCommands = 0
  /** The command that runs or ran last, and when it ended: for the log. */
  lastCommand = ''
  lastEndedAt = 0
  /** Why the session ends after this command; for the log. */
  over: string | undefined
  /** The line of the command that runs was longer than `imap_max_line_length`. */
  lineCut = false
  /** The next command has not come yet. */
  waiting = false
  /** Somebody ended the session from outside. */
  interrupted = false
  #stream: ByteStream
  /** Where counting begins: what went through streams before this one is below it. */
  #start: { readonly in: number; readonly out: number }

  constructor(stream: ByteStream, mail: MailSession) {
    this.#stream = stream
    this.mail = mail
    this.out = new Output(stream)
    this.#start = { in: stream.bytesIn, out: stream.bytesOut }
  }

  get stream(): ByteStream {
    return this.#stream
  }

  get store(): MailStore {
    return this.remote?.store ?? this.mail.store
  }

  get bytesIn(): number {
    return this.#stream.bytesIn - this.#start.in
  }

  get bytesOut(): number {
    return this.#stream.bytesOut - this.#start.out
  }

  /** From here on everything goes through another stream. */
  wrapStream(stream: ByteStream): void {
    this.out.flush()
    this.#start = { in: stream.bytesIn - this.bytesIn, out: stream.bytesOut - this.bytesOut }
    this.compressed = true
    this.#stream = stream
    this.out.stream = stream
  }

  /** The selected mailbox; commands that need one run only when there is one. */
  get mailbox(): Mailbox {
    if (this.selected === undefined) throw new Error('no mailbox is selected')
    return this.selected.mailbox
  }

  /** Stops a long command when nobody waits for it any more. */
  checkAlive(): void {
    if (this.interrupted) throw new SessionOver('Server shutting down.')
    if (this.#stream.ended) throw new SessionOver('Connection closed')
  }
}
