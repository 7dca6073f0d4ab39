import { ConnectionLost, DeadlineExceeded, LineTooLong } from '../../../net/byte-stream.ts'
import { DialFailed } from '../../../net/dial.ts'
import { errnoText, faultText } from '../../../net/fault-text.ts'
import { TlsFailed } from '../../../net/tls.ts'
import { type SmtpReply, SmtpSyntaxError } from '../../smtp/wire/reply.ts'
import { LMTP_LIMITS } from '../limits.ts'
import type { Destination } from '../services.ts'

/** What a client is told of a backend that failed; `not answering` is said in other words. */
export type BackendFault =
  | 'connect'
  | 'connection lost'
  | 'bad reply'
  | 'timed out'
  /** No reply to the message. */
  | 'not answering'
  /** The message has 8-bit content, which the backend cannot take. */
  | 'not 8-bit'

/** A backend could not be used. `message` is for the log, in Dovecot's words. */
export class BackendFailure extends Error {
  override readonly name = 'BackendFailure'
  readonly fault: BackendFault
  /** What `lmtp_verbose_replies` tells the client; the message unless given. */
  readonly detail: string

  constructor(
    fault: BackendFault,
    message: string,
    options: { readonly detail?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.fault = fault
    this.detail = options.detail ?? message
  }
}

/** The backend refused; what it said goes to the client. */
export class BackendRefusal extends Error {
  override readonly name = 'BackendRefusal'
  readonly reply: SmtpReply

  constructor(reply: SmtpReply) {
    super(reply.lines.join(' '))
    this.reply = reply
  }
}

const CLOSED = 'Lost connection to remote server: Remote closed connection unexpectedly'
const BROKEN = 'Lost connection to remote server: Read failure'
const NO_CONNECTION = 'Failed to connect to remote server'

/** What ended a dialogue with a backend. */
export function backendFailure(error: unknown): BackendFailure | BackendRefusal {
  if (error instanceof BackendFailure || error instanceof BackendRefusal) return error
  if (error === undefined) return new BackendFailure('connection lost', CLOSED)
  if (error instanceof ConnectionLost) return new BackendFailure('connection lost', BROKEN, { cause: error })
  if (error instanceof SmtpSyntaxError) return badReply('Invalid status code in reply', error)
  if (error instanceof LineTooLong) return badReply('Line is too long', error)
  if (error instanceof DeadlineExceeded) {
    return new BackendFailure('timed out', 'Command timed out, disconnecting', { cause: error })
  }
  if (error instanceof TlsFailed)
    return new BackendFailure('connect', `SSL handshake failed: ${error.message}`, { cause: error })
  const text = error instanceof Error ? faultText(error) : 'unknown fault'
  return new BackendFailure('connect', text, { detail: NO_CONNECTION, cause: error })
}

export function badReply(what: string, cause?: unknown): BackendFailure {
  return new BackendFailure('bad reply', `Invalid command reply: ${what}`, { cause })
}

/** What ended a connection before it took mail. */
export function connectFailure({ host, port }: Destination, error: unknown): BackendFailure | BackendRefusal {
  const isLate = error instanceof BackendFailure && error.fault === 'timed out'
  if (isLate || error instanceof DeadlineExceeded) return timedOut(error)
  if (!(error instanceof DialFailed)) return backendFailure(error)
  const failed = `connect(${host}:${port}) failed`
  switch (error.fault) {
    case 'timeout':
    case 'tls-timeout':
      return timedOut(error)
    case 'connect':
    case 'bind': {
      const text = `${failed}: ${error.code === undefined ? error.message : errnoText(error.code)}`
      return new BackendFailure('connect', text, { detail: NO_CONNECTION, cause: error })
    }
    default:
      return new BackendFailure('connect', `${failed}: SSL handshake to ${host}:${port} failed: ${error.message}`, {
        cause: error,
      })
  }
}

function timedOut(cause: Error): BackendFailure {
  const text = `Connection timed out after ${LMTP_LIMITS.connectMs / 1000} seconds`
  return new BackendFailure('connect', text, { detail: NO_CONNECTION, cause })
}
