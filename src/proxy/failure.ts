import { ConnectionLost, DeadlineExceeded, type Endpoint, LineTooLong } from '../net/byte-stream.ts'
import { DialFailed } from '../net/dial.ts'
import { errnoText, faultText } from '../net/fault-text.ts'
import { TlsFailed, type TlsFault } from '../net/tls.ts'
import { TlsSettingsError } from '../net/tls-context.ts'
import type { LoginResult } from '../observe/events.ts'
import type { LoginVerdict, ProxyTarget } from '../protocols/protocol.ts'
import { ProxyFailure, type ProxyFailureClass } from '../protocols/proxy-failure.ts'
import { assertNever } from '../util/assert-never.ts'

/** A failure of the connection itself, whose log line says where it stood: at the end, or with how long it took. */
export class ConnectionFailure extends ProxyFailure {
  readonly tail: 'after' | 'state'

  constructor(failureClass: ProxyFailureClass, message: string, tail: 'after' | 'state', cause?: unknown) {
    super(failureClass, message, cause === undefined ? undefined : { cause })
    this.tail = tail
  }
}

/** What kept a connection from coming up, as a ProxyFailure in Dovecot's words. `step` is where its dialogue would begin. */
export function dialFailure(
  { ip, port }: Pick<ProxyTarget, 'ip' | 'port'>,
  error: unknown,
  step: string,
): ProxyFailure {
  if (!(error instanceof DialFailed)) return settingsFailure(error)
  switch (error.fault) {
    case 'connect':
      return new ConnectionFailure('connect', error.message, 'after', error)
    case 'bind':
      // The address itself is in a line of its own.
      return new ConnectionFailure(
        'connect',
        `connect(${ip}, ${port}) failed: ${errnoText(error.code ?? '')}`,
        'after',
        error,
      )
    case 'timeout':
      return new ConnectionFailure('connect', `connect(${ip}, ${port}) failed: Connection timed out`, 'after', error)
    case 'tls-timeout':
      return timedOut(step, error)
    case 'aborted':
      return new ConnectionFailure('connect', 'aborted', 'after', error)
    case 'tls':
    case 'closed':
    case 'certificate':
      return tlsFailure(error.fault, error)
    default:
      return assertNever(error.fault)
  }
}

/** A certificate that is refused stays refused: no use in trying again, and the client is told so. */
function tlsFailure(fault: 'tls' | TlsFault, error: Error): ProxyFailure {
  const reason = fault === 'closed' ? error.message : `Connection closed: ${error.message}`
  return disconnected(reason, error, fault === 'certificate' ? 'remote-config' : 'connect')
}

/** TLS settings that cannot be used are ours to mend; anything else is a fault of the program. */
function settingsFailure(error: unknown): ProxyFailure {
  const failureClass = error instanceof TlsSettingsError ? 'internal-config' : 'internal'
  return new ProxyFailure(failureClass, describeFault(error), { cause: error })
}

/** What ended a dialogue with a backend, as a ProxyFailure. `step` is where the dialogue stood. */
export function dialogueFailure(error: unknown, step: string): ProxyFailure {
  if (error instanceof ConnectionFailure) return error
  if (error instanceof ProxyFailure && error.class !== 'connect') return error
  const cause = error instanceof ProxyFailure ? error.cause : error
  if (cause instanceof TlsFailed) return tlsFailure(cause.fault, cause)
  if (cause instanceof LineTooLong) return new ProxyFailure('protocol', 'Too long input line', { cause })
  if (cause instanceof DeadlineExceeded) return timedOut(step, cause)
  if (cause instanceof ConnectionLost) {
    const fault = cause.cause === undefined ? '' : `: ${describeFault(cause.cause)}`
    return disconnected(`Connection closed${fault}`, cause)
  }
  if (error instanceof ProxyFailure) return disconnected(error.message, error)
  return settingsFailure(error)
}

function timedOut(step: string, cause: Error): ProxyFailure {
  return new ConnectionFailure('connect', `Login timed out in state=${step}`, 'after', cause)
}

function disconnected(reason: string, cause: unknown, failureClass: ProxyFailureClass = 'connect'): ProxyFailure {
  const message = reason.startsWith(DISCONNECTED) ? reason : `${DISCONNECTED}${reason}`
  return new ConnectionFailure(failureClass, message, 'state', cause)
}

const DISCONNECTED = 'Disconnected by server: '

function describeFault(error: unknown): string {
  return error instanceof Error ? faultText(error) : String(error)
}

/** What the log line of a failed backend login is made of, beside the failure. */
export interface FailureContext {
  readonly user: string
  readonly target: Pick<ProxyTarget, 'destuser' | 'master'>
  readonly sourceIp: string | undefined
  /** The near end of the last connection, or the address it should have had. */
  readonly local: Endpoint | string | undefined
  readonly step: string
  readonly elapsedMs: number
  readonly reconnects: number
}

const PREFIX: Readonly<Record<ProxyFailureClass, string>> = {
  connect: '',
  internal: 'Aborting due to internal error: ',
  'internal-config': '',
  remote: 'Aborting due to remote server: ',
  'remote-config': 'Aborting due to remote server: ',
  protocol: 'Remote server sent invalid input: ',
  'auth-temp': '',
  auth: '',
}

/** The message after `proxy(user,ip:port): `. */
export function describeFailure(failure: ProxyFailure, context: FailureContext): string {
  if (isRefusal(failure)) return `${describeRefusal(context)}: ${failure.message}`
  if (!(failure instanceof ConnectionFailure)) return PREFIX[failure.class] + failure.message
  const secs = Math.round(context.elapsedMs / 1000)
  if (failure.tail === 'state') return `${failure.message} (state=${context.step}, duration=${secs}s)`
  const again = context.reconnects === 0 ? '' : `, ${context.reconnects} reconnects`
  return `${failure.message} (after ${secs} secs${again}${describeLocal(context.local)})`
}

function describeRefusal({ user, target, sourceIp }: FailureContext): string {
  const from = sourceIp === undefined ? '' : ` from ${sourceIp}`
  const asUser = target.destuser === user ? '' : ` as user ${target.destuser}`
  const master = target.master === undefined ? '' : ` (master ${target.master})`
  return `Login failed${from}${asUser}${master}`
}

function describeLocal(local: FailureContext['local']): string {
  if (local === undefined) return ''
  return typeof local === 'string' ? `, local=${local}` : `, local=${local.ip}:${local.port}`
}

/** The backend itself said no; only `auth_verbose` logs it. */
export function isRefusal({ class: failureClass }: ProxyFailure): boolean {
  return failureClass === 'auth' || failureClass === 'auth-temp'
}

/** What the client is told, in the terms of the protocol seam. */
export function failureVerdict(failure: ProxyFailure): LoginVerdict {
  if (isRefusal(failure)) {
    const reply = failure.reply ?? { lines: [failure.message] }
    return { kind: 'backend-refused', temporary: failure.class === 'auth-temp', reply }
  }
  // The client cannot help a wrong setting by coming again soon.
  const retryLater = failure.class !== 'remote-config' && failure.class !== 'internal-config'
  return { kind: 'proxy-failed', retryLater }
}

const RESULTS: Readonly<Record<ProxyFailureClass, LoginResult>> = {
  connect: 'proxy_dest_connect_failed',
  internal: 'proxy_dest_internal_failure',
  'internal-config': 'proxy_dest_internal_failure',
  remote: 'proxy_dest_remote_failure',
  'remote-config': 'proxy_dest_remote_failure',
  protocol: 'proxy_dest_protocol_failure',
  'auth-temp': 'proxy_dest_auth_temp_failed',
  auth: 'proxy_dest_auth_failed',
}

/** The result class for metrics. */
export function failureResult({ class: failureClass }: ProxyFailure): LoginResult {
  return RESULTS[failureClass]
}
