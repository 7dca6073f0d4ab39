import { ConnectionLost, DeadlineExceeded, LineTooLong } from '../../net/byte-stream.ts'
import type { Settings } from '../../config/config.ts'
import { normalizeIp } from '../../util/ip.ts'
import type { SmtpIdentity } from '../smtp-identity.ts'
import { formatReply } from '../smtp/wire/reply.ts'
import { encodeLine } from '../wire-text.ts'
import { LMTP_LIMITS } from './limits.ts'
import { SessionLog } from './log.ts'
import { ReplyQueue } from './reply-queue.ts'
import type { LmtpClient, LmtpIo, LmtpServices } from './services.ts'
import type { Envelope } from './backend/envelope.ts'
import { Transaction } from './transaction.ts'

/** A session's end, in the words of the log. */
export interface SessionEnd {
  readonly reason: string
}

/** A client's connection: what its commands share. */
export class LmtpSession {
  readonly io: LmtpIo
  readonly services: LmtpServices
  readonly log: SessionLog
  readonly replies: ReplyQueue
  transaction: Transaction | undefined
  /** What the client called itself; undefined when it did not, or not by a name. */
  helo: string | undefined
  /** A command runs: it, not the client, decides when the session can end. */
  busy = false
  /** A message comes. */
  receiving: 'DATA' | 'BDAT' | undefined
  /** Nothing more is read, and no time is kept. */
  over = false
  /** RFC 3030 §2: after a BDAT that failed there is no more data before a RSET. */
  chunkFailed = false
  /** Nothing has changed the session yet: Dovecot's log calls that GREETING. */
  #untouched = true
  #stopped = false
  #badCommands = 0
  #forwarded: SmtpIdentity = {}
  #ownId: string | undefined
  #transactions = 0

  constructor(io: LmtpIo, services: LmtpServices) {
    this.io = io
    this.services = services
    this.replies = new ReplyQueue(io.stream, () => {
      this.expectInput()
      if (io.stopping.aborted) this.stopIfIdle()
    })
    this.log = new SessionLog({
      observer: services.observer,
      number: io.number,
      session: () => this.id,
      client: () => this.client,
    })
    // Broken, not merely half-closed: nobody would read a reply.
    io.stream.onEnd((fault) => {
      if (fault !== undefined) this.transaction?.close()
    })
  }

  get settings(): Settings {
    return this.io.settings
  }

  /** The session's id: a trusted proxy's, or our own. */
  get id(): string {
    return this.#forwarded.session ?? (this.#ownId ??= this.services.makeId())
  }

  get client(): LmtpClient {
    const { io, helo } = this
    const { remoteIp, remotePort, proto, login, ttl, helo: forwardedHelo } = this.#forwarded
    return {
      remote: { ip: normalizeIp(remoteIp ?? '') ?? io.remote.ip, port: remotePort ?? io.remote.port },
      realRemote: io.stream.remote,
      realLocal: io.stream.local,
      local: io.haproxy?.destination ?? io.stream.local,
      localName: io.localName,
      tls: io.stream.tls !== undefined ? 'here' : io.haproxy?.tls !== undefined ? 'before' : 'none',
      helo: forwardedHelo ?? helo,
      proto,
      login,
      ttl: io.hopsLeft(ttl),
      settings: io.settings,
    }
  }

  /** One reply of one line. */
  say(code: number, enhanced: string | undefined, text: string): undefined {
    this.replies.push(formatReply(code, enhanced, [text]))
  }

  greet(): void {
    this.say(220, undefined, encodeLine(`${this.io.hostname} ${this.io.greeting}`))
  }

  /** Says why a command is none. The eleventh ends the session. */
  bad(enhanced: string, text: string): SessionEnd | undefined {
    if (++this.#badCommands <= LMTP_LIMITS.badCommands) return this.say(500, enhanced, text)
    this.sayGoodbye('4.7.0', 'Too many invalid commands.')
    return { reason: 'Too many invalid commands.' }
  }

  /** The server stops. A client that is owed nothing need not wait for that. */
  stopIfIdle(): void {
    if (this.replies.pending > 0 || this.busy || this.#stopped) return
    this.#stopped = true
    this.sayGoodbye('4.3.2', STOPPING)
    void this.io.stream.close()
  }

  sayGoodbye(enhanced: string, text: string): void {
    this.replies.push(formatReply(421, enhanced, [`${encodeLine(this.io.hostname)} ${text}`]))
  }

  /** What a trusted proxy says about the client; later words are stronger. */
  forward(identity: SmtpIdentity): void {
    this.#forwarded = { ...this.#forwarded, ...identity }
  }

  /** What the client called itself, says a trusted proxy; it holds for backends even when the proxy says LHLO again. */
  forwardName(helo: string | undefined): void {
    this.helo = helo
    const { helo: _, ...others } = this.#forwarded
    this.#forwarded = helo === undefined ? others : { ...others, helo }
  }

  begin(envelope: Envelope): void {
    this.#untouched = false
    this.#transactions++
    const id = this.#transactions === 1 ? this.id : `${this.id}:T${this.#transactions}`
    const { services, client, log } = this
    this.transaction = new Transaction(id, envelope, { services, client, log, hostname: this.io.hostname })
  }

  /** For the log: the step of the transaction. */
  get state(): 'GREETING' | 'READY' | 'MAIL FROM' | 'RCPT TO' | 'DATA' {
    const { transaction } = this
    if (transaction === undefined) return this.#untouched ? 'GREETING' : 'READY'
    if (transaction.message !== undefined) return 'DATA'
    return transaction.hasDestination ? 'RCPT TO' : 'MAIL FROM'
  }

  /** A command that is one: those before do not count any more. */
  good(): void {
    this.#badCommands = 0
  }

  /** The transaction is over, well or not. */
  reset(): void {
    this.#untouched = false
    this.transaction?.close()
    this.transaction = undefined
    this.chunkFailed = false
  }

  /** It is the client's turn; a client that is owed an answer may wait as long as that takes. */
  expectInput(): void {
    if (this.over) return
    this.io.stream.setDeadline(this.replies.pending === 0 ? LMTP_LIMITS.idleMs : undefined)
  }

  /** The next command line; undefined when the client left. Throws the stream's errors. */
  async readLine(): Promise<string | LineTooLong | undefined> {
    this.expectInput()
    try {
      return await this.io.stream.readLine(this.io.trusted ? LMTP_LIMITS.trustedLineBytes : LMTP_LIMITS.lineBytes)
    } catch (error) {
      if (error instanceof LineTooLong) return error
      throw error
    }
  }

  /** Throws away the rest of a line that is too long. False when it has no end, or the client left. */
  async skipLine(): Promise<boolean> {
    const { stream } = this.io
    for (let skipped = 0; skipped < LMTP_LIMITS.skippedBytes; ) {
      this.expectInput()
      const bytes = await stream.readSome(LMTP_LIMITS.lineBytes)
      if (bytes === undefined) return false
      const end = bytes.indexOf(0x0a)
      if (end >= 0) {
        if (end + 1 < bytes.length) stream.unread(bytes.subarray(end + 1))
        return true
      }
      skipped += bytes.length
    }
    return false
  }
}

/** The words of the log and of the goodbye. */
export const STOPPING = 'Shutting down'

/** How the stream's errors end a session: the words of the log. */
export function endOf(error: unknown): SessionEnd | undefined {
  if (error instanceof DeadlineExceeded) return { reason: 'Disconnected for inactivity' }
  if (error instanceof ConnectionLost) return { reason: `Connection closed: ${error.message}` }
  return undefined
}
