import { resolve } from 'node:path'
import type { Config, FileListenerSettings, InetListenerSettings, ServiceSettings } from './config.ts'

/** A socket that the server opens. */
export interface ListenerPlan {
  /** The service it belongs to, such as `imap-login`. */
  readonly service: string
  /** The name of the `inet_listener`, such as `imaps`; may be empty. */
  readonly name: string
  readonly protocol: ListenerProtocol
  /** An IP address or a host name, `::` means IPv6 only; the path of a UNIX socket. */
  readonly address: string
  /** 0 for UNIX sockets. */
  readonly port: number
  /** A UNIX socket: who may connect. */
  readonly unix?: UnixAccess
  /** TLS from the first byte. */
  readonly ssl: boolean
  /** A PROXY header comes first. */
  readonly haproxy: boolean
  readonly reusePort: boolean
}

/** Mode, owner and group of a UNIX socket; names or numbers, empty is root's. */
export interface UnixAccess {
  readonly mode: number
  readonly user: string
  readonly group: string
}

export type ListenerProtocol = 'imap' | 'pop3' | 'submission' | 'sieve' | 'lmtp' | 'doveadm' | 'auth'

/** What the listeners of a service speak. Other services may have listeners, but nothing here answers on them. */
const SPOKEN: ReadonlyMap<string, ListenerProtocol> = new Map([
  ['imap-login', 'imap'],
  ['pop3-login', 'pop3'],
  ['submission-login', 'submission'],
  ['managesieve-login', 'sieve'],
  ['lmtp', 'lmtp'],
  ['doveadm', 'doveadm'],
  ['auth', 'auth'],
])

/** Services to which programs of this machine talk by UNIX sockets; the sockets of others are Dovecot's own affair. */
const SPOKEN_LOCALLY: ReadonlySet<string> = new Set(['lmtp', 'auth'])

/** Sockets of `service auth` for Dovecot's own login processes. */
const LOGIN_SOCKETS: ReadonlySet<string> = new Set(['login/login', 'token-login/tokenlogin', 'auth-login'])

/** The listeners to open: those of services that `protocols` lets run, on their own or the `listen` addresses. */
export function decideListeners(config: Config): readonly ListenerPlan[] {
  const { protocols, listen, ssl, base_dir: baseDir } = config.settings({ protocol: 'master' })
  const plans: ListenerPlan[] = []
  for (const service of config.services.values()) {
    const protocol = SPOKEN.get(service.name)
    if (protocol === undefined || (service.protocol !== '' && !protocols.includes(service.protocol))) continue
    for (const listener of service.inetListeners) {
      // Without TLS at all, listeners that begin with it stay closed.
      if (listener.port === 0 || (listener.ssl && ssl === 'no')) continue
      if (protocol === 'auth' && !isForClients(listener.name)) continue
      plans.push(...plansOf(service, listener, protocol, listener.address.length > 0 ? listener.address : listen))
    }
    if (SPOKEN_LOCALLY.has(service.name)) plans.push(...unixPlans(service, protocol, baseDir))
  }
  return plans
}

function plansOf(
  service: ServiceSettings,
  listener: InetListenerSettings,
  protocol: ListenerProtocol,
  addresses: readonly string[],
): readonly ListenerPlan[] {
  const { name, port, ssl, haproxy, reuse_port: reusePort } = listener
  return addresses.map((address) => {
    return { service: service.name, name, protocol, address: bare(address), port, ssl, haproxy, reusePort }
  })
}

function unixPlans(service: ServiceSettings, protocol: ListenerProtocol, baseDir: string): readonly ListenerPlan[] {
  const wanted = service.unixListeners.filter((listener) => {
    return listener.path !== '' && listener.mode !== 0 && (protocol !== 'auth' || isForMailServers(listener, baseDir))
  })
  return wanted.map(({ path, mode, user, group }) => ({
    service: service.name,
    name: service.name,
    protocol,
    address: resolve(baseDir, path),
    port: 0,
    unix: { mode, user: written(user), group: written(group) },
    ssl: false,
    haproxy: false,
    reusePort: false,
  }))
}

/** Dovecot's built-in owners are its own processes, of which there are none here: sockets are root's unless a block says whose. */
function written(name: string): string {
  return name.startsWith('$') ? '' : name
}

/** Sockets that Dovecot opens for itself stay closed unless a block names them: nobody here asks on them. */
function isForMailServers({ path, at }: FileListenerSettings, baseDir: string): boolean {
  const name = path.startsWith(`${baseDir}/`) ? path.slice(baseDir.length + 1) : path
  return at !== undefined && !LOGIN_SOCKETS.has(name) && isForClients(name)
}

/**
 * Whether a listener of `service auth` is one on which mail servers ask about passwords. Dovecot goes by the end of its name:
 * on `auth-master` and `auth-userdb` it speaks another protocol.
 */
export function isForClients(name: string): boolean {
  const ending = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('-')) + 1)
  return ending !== 'master' && ending !== 'userdb' && ending !== 'tokenlogin'
}

/** `*` is every IPv4 address, and IPv6 addresses may stand in brackets. */
function bare(address: string): string {
  if (address === '*') return '0.0.0.0'
  return address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address
}
