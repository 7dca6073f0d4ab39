import type { SmtpReply } from '../../smtp/wire/reply.ts'
import { decodeText, sanitize } from '../../wire-text.ts'
import { NOT_ANSWERING } from '../client-reply.ts'
import { endpointText, type SessionLog } from '../log.ts'
import type { Recipient } from '../recipient.ts'
import { formatAddress } from '../../smtp/wire/path.ts'
import type { Destination } from '../services.ts'
import { type BackendFailure, BackendRefusal } from './failure.ts'

/** How much of a backend's reply goes into the log. */
const REPLY_LENGTH = 500

/** The log lines and events of one connection to a backend, in Dovecot's words. */
export class BackendLog {
  readonly #session: SessionLog
  readonly #destination: Destination
  readonly #number: number
  readonly #now: () => number
  readonly #startedMs: number
  #failureLogged = false

  /** `number` counts the backends of a client's connection. */
  constructor(session: SessionLog, destination: Destination, number: number, now: () => number) {
    this.#session = session
    this.#destination = destination
    this.#number = number
    this.#now = now
    this.#startedMs = now()
  }

  /** The connection broke, or never came to be; said once, however many recipients it costs. */
  failed(failure: BackendFailure): void {
    if (this.#failureLogged) return
    this.#failureLogged = true
    this.#write('error', failure.message)
  }

  /** The backend does not want us. */
  refused({ reply }: BackendRefusal): void {
    this.#write('error', `Server refused connection: ${replyText(reply)}`)
  }

  dropped(recipient: Recipient, fields: readonly string[]): void {
    for (const field of fields) {
      const text = `Not forwarding field forward_${sanitize(field, 60)}: it does not fit into XRCPTFORWARD`
      this.#session.recipient('warning', recipient, text)
    }
  }

  sent(recipient: Recipient, reply: SmtpReply): void {
    this.#emit(recipient, 'Sent', replyText(reply), { status: reply.code, enhanced: reply.enhanced })
  }

  notSent(recipient: Recipient, failure: BackendFailure | BackendRefusal): void {
    if (failure instanceof BackendRefusal) {
      const { reply } = failure
      const text = replyText(reply)
      return this.#emit(recipient, 'Failed to send', text, {
        status: reply.code,
        enhanced: reply.enhanced,
        error: text,
      })
    }
    const isNoAnswer = failure.fault === 'not answering'
    this.#emit(recipient, 'Failed to send', isNoAnswer ? `451 4.4.0 ${NOT_ANSWERING}` : failure.message, {
      status: failure.fault === 'not 8-bit' ? 554 : 451,
      enhanced: undefined,
      error: failure.message,
      internal: !isNoAnswer,
    })
  }

  #emit(
    recipient: Recipient,
    what: string,
    result: string,
    outcome: { status: number; enhanced: string | undefined; error?: string; internal?: boolean },
  ): void {
    const { host, ip, port, protocol } = this.#destination
    const durationMs = Math.round(this.#now() - this.#startedMs)
    const address = decodeText(formatAddress(recipient.target.address))
    const { number, of } = recipient.place
    const text = `<${recipient.id}>: ${what} message to <${address}> at ${endpointText(host, port)}: ${result} (${number}/${of} at ${durationMs} ms)`
    this.#session.observer.emit('lmtp_recipient_finished', {
      ...this.#session.fields(),
      line: (message) => this.#session.recipientLine(recipient, message),
      transaction_id: recipient.id,
      rcpt_to: decodeText(recipient.name),
      dest_rcpt_to: address,
      dest_protocol: protocol,
      dest_host: host,
      dest_ip: ip,
      dest_port: port,
      status_code: outcome.status,
      ...(outcome.enhanced === undefined ? undefined : { enhanced_code: outcome.enhanced }),
      ...(outcome.error === undefined ? undefined : { error: outcome.error }),
      internal: outcome.internal ?? false,
      duration_ms: durationMs,
      text,
    })
  }

  #write(level: 'error' | 'warning', text: string): void {
    const { host, ip, port, protocol } = this.#destination
    const address = host === ip ? '' : ` (${endpointText(ip, port)})`
    this.#session.write(
      level,
      `${protocol}-client: conn ${endpointText(host, port)}${address} [${this.#number}]: ${text}`,
    )
  }
}

/** `250 2.0.0 first second`. */
/** The enhanced code once, whatever number of lines had it. */
function replyText({ code, enhanced, texts }: SmtpReply): string {
  return sanitize([code, ...(enhanced === undefined ? [] : [enhanced]), ...texts].join(' '), REPLY_LENGTH)
}
