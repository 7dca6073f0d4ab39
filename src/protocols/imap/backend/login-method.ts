import type { BackendIo, ProxyTarget } from '../../protocol.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import { encodeText } from '../../wire-text.ts'
import type { Responder, SentState } from './dialogue.ts'
import { loginCommand } from './login-command.ts'
import { saslLogin } from './sasl-login.ts'

/** One way to log in: the first thing to send, and the answers to what the backend asks. */
export interface LoginMethod extends Responder {
  readonly state: Extract<SentState, 'login' | 'authenticate'>
  readonly command: string
  /** The backend's JSON about a refused token (RFC 7628 §3.2.2), once it was sent. */
  failureDetail(): Buffer | undefined
}

/** LOGIN, unless a mechanism is asked for or a master user logs in. Throws a ProxyFailure when it cannot work. */
export function chooseLogin(
  io: BackendIo,
  target: ProxyTarget,
  announced: ReadonlySet<string> | undefined,
): LoginMethod {
  const mechanism = target.mechanism ?? (target.master === undefined ? undefined : 'PLAIN')
  if (mechanism !== undefined) return saslLogin(io, target, mechanism, announced?.has('SASL-IR') === true)
  if (target.secret === undefined) throw new ProxyFailure('internal', 'password not given')
  if (target.tls === 'none' && announced?.has('LOGINDISABLED') === true) {
    throw new ProxyFailure('remote-config', 'LOGINDISABLED advertised, but SSL/TLS not enabled')
  }
  return loginCommand(encodeText(target.destuser), target.secret.reveal().toString('latin1'), {
    literalPlus: announced?.has('LITERAL+') === true,
    literalMinus: announced?.has('LITERAL-') === true,
  })
}
