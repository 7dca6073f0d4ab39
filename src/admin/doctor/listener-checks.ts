import type { Config } from '../../config/config.ts'
import { decideListeners } from '../../config/listeners.ts'
import type { Finding } from './finding.ts'

/** Services of Dovecot that have listeners of which Postern knows nothing, and services that would say nothing at all. */
export function checkListeners(config: Config): readonly Finding[] {
  const plans = decideListeners(config)
  const served = new Set(plans.map(({ service }) => service))
  const findings: Finding[] = []
  const { protocols, ssl } = config.settings({})
  if (plans.length === 0) {
    const at = config.origin('protocols', {})
    const text =
      protocols.length === 0 ? 'protocols is empty: nothing is served' : 'no listener is open: nothing is served'
    findings.push({ severity: 'warning', text, ...(at && { at }) })
  }
  for (const { name, protocol, inetListeners } of config.services.values()) {
    if (served.has(name) || (protocol !== '' && !protocols.includes(protocol))) continue
    const open = inetListeners.find(({ port, ssl: secure }) => port !== 0 && !(secure && ssl === 'no'))
    if (open === undefined) continue
    const text = `service ${name} { inet_listener { port = ${open.port} } } is not opened: Postern has no such service`
    findings.push({ severity: 'warning', text, ...(open.at && { at: open.at }) })
  }
  return [...findings, ...authSockets(config)]
}

/** Sockets that Dovecot opens for itself. */
const USUAL_AUTH_SOCKETS = new Set([
  'auth-client',
  'auth-login',
  'auth-master',
  'auth-userdb',
  'login/login',
  'token-login/tokenlogin',
])

/** Sockets for other programs, which Postfix and Exim ask about the passwords of their clients. */
function authSockets(config: Config): readonly Finding[] {
  const { base_dir: baseDir } = config.settings({})
  const sockets = config.services.get('auth')?.unixListeners ?? []
  return sockets
    .filter(({ path, mode }) => mode !== 0 && !USUAL_AUTH_SOCKETS.has(path.replace(`${baseDir}/`, '')))
    .map(({ path }) => ({
      severity: 'warning',
      text: `service auth { unix_listener ${path} } is not opened: mail servers (Postfix, Exim) cannot check passwords of their clients there`,
    }))
}
