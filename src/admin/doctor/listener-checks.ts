import type { Config, SourcePosition } from '../../config/config.ts'
import { decideListeners, isForClients } from '../../config/listeners.ts'
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
    if (served.has(name) || name === 'auth' || (protocol !== '' && !protocols.includes(protocol))) continue
    const open = inetListeners.find(({ port, ssl: secure }) => port !== 0 && !(secure && ssl === 'no'))
    if (open === undefined) continue
    const text = `service ${name} { inet_listener { port = ${open.port} } } is not opened: Postern has no such service`
    findings.push({ severity: 'warning', text, ...(open.at && { at: open.at }) })
  }
  return [...findings, ...authSockets(config)]
}

/** Sockets that Dovecot opens for itself. */
const USUAL_AUTH_SOCKETS = new Set(['auth-master', 'auth-userdb', 'token-login/tokenlogin'])

/** Sockets on which Dovecot tells other programs about users; those for passwords are served. */
function authSockets(config: Config): readonly Finding[] {
  const { base_dir: baseDir } = config.settings({})
  const { unixListeners = [], inetListeners = [] } = config.services.get('auth') ?? {}
  const sockets = unixListeners.filter(({ mode, path }) => {
    return mode !== 0 && !isForClients(path) && !USUAL_AUTH_SOCKETS.has(path.replace(`${baseDir}/`, ''))
  })
  const ports = inetListeners.filter(({ port, name }) => port !== 0 && !isForClients(name))
  return [
    ...sockets.map(({ path, at }) => unopened(`unix_listener ${path}`, at)),
    ...ports.map(({ name, at }) => unopened(`inet_listener ${name}`, at)),
  ]
}

function unopened(listener: string, at: SourcePosition | undefined): Finding {
  const text = `service auth { ${listener} } is not opened: by its name it is for user lookups (auth-userdb, auth-master), of which Postern has no server; mail servers that check passwords need a listener of another name`
  return { severity: 'warning', text, ...(at && { at }) }
}
