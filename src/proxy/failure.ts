import { ConnectionLost, DeadlineExceeded, type Endpoint, LineTooLong } from '../net/byte-stream.ts'
import { faultText } from '../net/fault-text.ts'
import type { LoginResult } from '../observe/events.ts'
import type { LoginVerdict, ProxyTarget } from '../protocols/protocol.ts'
import { ProxyFailure, type ProxyFailureClass } from '../protocols/proxy-failure.ts'

/** A failure of the connection itself, whose log line says where it stood: at the end, or with how long it took. */
export class ConnectionFailure extends ProxyFailure {
  readonly tail: 'after' | 'state'

  constructor(failureClass: ProxyFailureClass, message: string, tail: 'after' | 'state', cause?: unknown) {
    super(failureClass, message, cause === undefined ? undefined : { cause })
    this.tail = tail
  }
}

/** Dovecot's words for what connecting gave. `error` is a Node error with a `code`, or DeadlineExceeded. */
export function connectFailure({ ip, port }: Pick<ProxyTarget, 'ip' | 'port'>, error: unknown): ProxyFailure {
  const reason = error instanceof DeadlineExceeded ? 'Connection timed out' : describeFault(error)
  return new ConnectionFailure('connect', `connect(${ip}, ${port}) failed: ${reason}`, 'after', error)
}

/** What ended a dialogue with a backend, as a ProxyFailure. `step` is where the dialogue stood. */
export function dialogueFailure(error: unknown, step: string): ProxyFailure {
  if (error instanceof ConnectionFailure) return error
  if (error instanceof ProxyFailure) return error.class === 'connect' ? disconnected(error.message, error) : error
  if (error instanceof LineTooLong) return new ProxyFailure('protocol', 'Too long input line', { cause: error })
  if (error instanceof DeadlineExceeded) {
    return new ConnectionFailure('connect', `Login timed out in state=${step}`, 'after', error)
  }
  if (error instanceof ConnectionLost) {
    const reason = error.cause === undefined ? '' : `: ${describeFault(error.cause)}`
    return disconnected(`Connection closed${reason}`, error)
  }
  return new ProxyFailure('internal', describeFault(error), { cause: error })
}

function describeFault(error: unknown): string {
  return error instanceof Error ? faultText(error) : String(error)
}

function disconnected(reason: string, cause: unknown): ProxyFailure {
  return new ConnectionFailure('connect', `Disconnected by server: ${reason}`, 'state', cause)
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
