import type { BackendIo, ProxyTarget } from '../../protocol.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import { encodeText } from '../../wire-text.ts'
import { loginCommand } from './login-command.ts'
import type { LoginMethod } from './login-method.ts'
import { saslLogin } from './sasl-login.ts'

/** LOGIN, unless a mechanism is asked for or a master user logs in. Throws a ProxyFailure when it cannot work. */
export function chooseLogin(
  io: BackendIo,
  target: ProxyTarget,
  announced: ReadonlySet<string> | undefined,
): LoginMethod {
  if (target.mechanism !== undefined || target.master !== undefined) {
    return saslLogin(io, target, announced?.has('SASL-IR') === true)
  }
  if (target.secret === undefined) throw new ProxyFailure('internal', 'password not given')
  if (target.tls === 'none' && announced?.has('LOGINDISABLED') === true) {
    throw new ProxyFailure('remote-config', 'LOGINDISABLED advertised, but SSL/TLS not enabled')
  }
  return loginCommand(encodeText(target.destuser), target.secret.reveal().toString('latin1'), {
    literalPlus: announced?.has('LITERAL+') === true,
    literalMinus: announced?.has('LITERAL-') === true,
  })
}
