import type { SmtpReply } from '../../smtp/wire/reply.ts'
import { failed, messageTaken, recipientTaken } from '../client-reply.ts'
import { LMTP_LIMITS } from '../limits.ts'
import { MessageAborted, type MessageReader, ReaderTooSlow } from '../message/message.ts'
import type { Recipient } from '../recipient.ts'
import type { BackendLink, Destination, LmtpServices, MessageSink, RecipientAnswer } from '../services.ts'
import { type Envelope, mailCommand, rcptCommand } from './envelope.ts'
import { BackendFailure, backendFailure, BackendRefusal, connectFailure } from './failure.ts'
import { expectTaken, type Extensions, greet, type Introduction } from './greet.ts'
import type { BackendLog } from './log.ts'
import { CommandPipe } from './pipe.ts'
import { sendMessage } from './send-message.ts'

export interface BackendContext extends Introduction {
  readonly services: LmtpServices
  readonly envelope: Envelope
  readonly log: BackendLog
  /** `lmtp_verbose_replies`. */
  readonly verbose: boolean
}

interface Ready {
  readonly pipe: CommandPipe
  readonly offered: Extensions
}

/** One connection to a backend, for all recipients of a transaction that go there. It begins to connect at once. */
export class BackendConnection implements MessageSink {
  readonly #destination: Destination
  readonly #context: BackendContext
  readonly #abort = new AbortController()
  readonly #accepted: Recipient[] = []
  readonly #ready: Promise<Ready>
  #pipe: CommandPipe | undefined
  #mail: Promise<SmtpReply> | undefined
  #mailRefusal: BackendRefusal | undefined
  #replyMs = 0
  #message: 'none' | 'being sent' | 'sent' | 'answered' = 'none'
  #closed = false

  constructor(destination: Destination, context: BackendContext) {
    this.#destination = destination
    this.#context = context
    this.#ready = this.#open()
    // Recipients ask; there may be none left to do so.
    this.#ready.catch(() => undefined)
  }

  get accepted(): number {
    return this.#accepted.length
  }

  /** How long the backend may take to reply: the longest of what its recipients say. */
  get replyMs(): number {
    return this.#replyMs
  }

  /** Another recipient comes whose `proxy_timeout` is this. */
  allow(timeoutMs: number = LMTP_LIMITS.replyMs): void {
    this.#replyMs = Math.max(this.#replyMs, timeoutMs)
  }

  async addRecipient(recipient: Recipient): Promise<RecipientAnswer> {
    try {
      const reply = await this.#offer(await this.#ready, recipient)
      this.#accepted.push(recipient)
      return { accepted: true, reply: recipientTaken(reply) }
    } catch (error) {
      const failure = backendFailure(error)
      if (failure instanceof BackendFailure && !this.#closed) this.#context.log.failed(failure)
      return { accepted: false, reply: failed(failure, recipient, this.#context.verbose) }
    }
  }

  async send(message: MessageReader, replyMs: number): Promise<void> {
    const left = new Set(this.#accepted)
    this.#message = 'being sent'
    try {
      const ready = await this.#ready
      ready.pipe.timeoutMs = () => replyMs
      await this.#sendTo(ready, message, left)
      this.#message = 'answered'
      if (this.#closed) await this.#quit(ready.pipe)
    } catch (error) {
      const wasLeft = this.#closed && this.#message === 'being sent'
      if (!wasLeft) this.#leave()
      // Nobody waits for an answer when there is no message.
      if (!wasLeft && !(error instanceof MessageAborted)) this.#giveUp(left, this.#sendFailure(error))
    } finally {
      message.close()
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    // What the backend has, it delivers: then the log is to know.
    if (this.#message !== 'sent') this.#leave()
  }

  async #open(): Promise<Ready> {
    const { services, client } = this.#context
    const deadlineMs = services.now() + LMTP_LIMITS.connectMs
    const leftMs = (): number => Math.max(1, deadlineMs - services.now())
    try {
      const options = { timeoutMs: leftMs(), signal: this.#abort.signal }
      return await this.#greet(await services.connect(this.#destination, client, options), leftMs)
    } catch (error) {
      throw connectFailure(this.#destination, error)
    }
  }

  async #greet(link: BackendLink, leftMs: () => number): Promise<Ready> {
    const pipe = new CommandPipe(link.stream, leftMs)
    this.#pipe = pipe
    if (this.#abort.signal.aborted) this.#destroy()
    try {
      const offered = await greet(pipe, link, this.#destination, this.#context)
      pipe.timeoutMs = () => this.#replyMs
      pipe.pipelining = offered.has('PIPELINING')
      return { pipe, offered }
    } catch (error) {
      if (error instanceof BackendRefusal) {
        this.#context.log.refused(error)
        void this.#quit(pipe)
      } else link.stream.destroy()
      throw error
    }
  }

  /** MAIL with the first recipient; in one go where the backend can take it. */
  async #offer({ pipe, offered }: Ready, recipient: Recipient): Promise<SmtpReply> {
    const { envelope, log } = this.#context
    if (envelope.smtpUtf8 && !offered.has('SMTPUTF8')) throw new BackendRefusal(NO_SMTPUTF8)
    if (this.#mailRefusal !== undefined) throw this.#mailRefusal
    this.#mail ??= pipe.command(mailCommand(envelope, offered))
    if (!pipe.pipelining) await this.#mailTaken(this.#mail)
    const { line, dropped } = rcptCommand(recipient, this.#destination, offered)
    if (dropped.length > 0) log.dropped(recipient, dropped)
    const reply = pipe.command(line)
    await this.#mailTaken(this.#mail)
    return expectTaken(await reply)
  }

  async #mailTaken(mail: Promise<SmtpReply>): Promise<void> {
    try {
      expectTaken(await mail)
    } catch (error) {
      if (error instanceof BackendRefusal) this.#mailRefusal ??= error
      throw error
    }
  }

  async #sendTo({ pipe, offered }: Ready, message: MessageReader, left: Set<Recipient>): Promise<void> {
    const recipients = [...left]
    const perRecipient = this.#destination.protocol === 'lmtp'
    const { eightBit } = this.#context.envelope
    const replies = await sendMessage(pipe, message, {
      offered,
      eightBit,
      replies: perRecipient ? recipients.length : 1,
    })
    // Nobody has to wait for us any more.
    this.#message = 'sent'
    message.close()
    for (const [index, recipient] of recipients.entries()) {
      const reply = await replies[perRecipient ? index : 0]
      if (reply === undefined) throw new Error('fewer replies than recipients')
      this.#conclude(recipient, reply)
      left.delete(recipient)
    }
  }

  #conclude(recipient: Recipient, reply: SmtpReply): void {
    if (reply.code >= 400) return this.#giveUp([recipient], new BackendRefusal(reply))
    expectTaken(reply)
    this.#context.log.sent(recipient, reply)
    recipient.finish(messageTaken(reply, recipient))
  }

  #giveUp(recipients: Iterable<Recipient>, failure: BackendFailure | BackendRefusal): void {
    const { log, verbose } = this.#context
    for (const recipient of recipients) {
      log.notSent(recipient, failure)
      recipient.finish(failed(failure, recipient, verbose))
    }
  }

  #sendFailure(error: unknown): BackendFailure | BackendRefusal {
    if (error instanceof ReaderTooSlow) return new BackendFailure('not answering', error.message)
    // What ended the connection says more than that it has ended.
    const failure = error instanceof BackendRefusal ? error : (this.#pipe?.failure ?? backendFailure(error))
    const late = failure instanceof BackendFailure && failure.fault === 'timed out'
    return late ? new BackendFailure('not answering', failure.message, { cause: failure }) : failure
  }

  async #quit(pipe: CommandPipe): Promise<void> {
    pipe.timeoutMs = () => LMTP_LIMITS.quitMs
    await pipe.command('QUIT\r\n').catch(() => undefined)
    await pipe.stream.close()
  }

  /** Politely, where the backend is in step. */
  #leave(): void {
    const pipe = this.#pipe
    if (pipe === undefined || pipe.busy || pipe.withinMessage || pipe.failure !== undefined) this.#destroy()
    else void this.#quit(pipe)
  }

  #destroy(): void {
    this.#abort.abort('closed')
    this.#pipe?.stream.destroy()
  }
}

/** RFC 6531 §3.5: the mail cannot go there as it is. */
const NO_SMTPUTF8: SmtpReply = {
  code: 553,
  enhanced: '5.6.7',
  lines: ["553 5.6.7 Server doesn't support SMTPUTF8"],
  texts: ['Destination does not take non-ASCII addresses'],
}
