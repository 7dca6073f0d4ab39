import type { Config, InetListenerSettings, ServiceSettings } from './config.ts'

/** A socket that the server opens. */
export interface ListenerPlan {
  /** The service it belongs to, such as `imap-login`. */
  readonly service: string
  /** The name of the `inet_listener`, such as `imaps`; may be empty. */
  readonly name: string
  readonly protocol: ListenerProtocol
  /** An IP address or a host name. `::` means IPv6 only. */
  readonly address: string
  readonly port: number
  /** TLS from the first byte. */
  readonly ssl: boolean
  /** A PROXY header comes first. */
  readonly haproxy: boolean
  readonly reusePort: boolean
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

/** The TCP listeners to open: those of services that `protocols` lets run, on their own or the `listen` addresses. */
export function decideListeners(config: Config): readonly ListenerPlan[] {
  const { protocols, listen, ssl } = config.settings({ protocol: 'master' })
  const plans: ListenerPlan[] = []
  for (const service of config.services.values()) {
    const protocol = SPOKEN.get(service.name)
    if (protocol === undefined || (service.protocol !== '' && !protocols.includes(service.protocol))) continue
    for (const listener of service.inetListeners) {
      // Without TLS at all, listeners that begin with it stay closed.
      if (listener.port === 0 || (listener.ssl && ssl === 'no')) continue
      plans.push(...plansOf(service, listener, protocol, listener.address.length > 0 ? listener.address : listen))
    }
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

/** `*` is every IPv4 address, and IPv6 addresses may stand in brackets. */
function bare(address: string): string {
  if (address === '*') return '0.0.0.0'
  return address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address
}
