import { dial as dialBackend } from '../net/dial.ts'
import type { Observer } from '../observe/events.ts'
import { backendContexts, type ClientContexts } from './backend-tls.ts'
import type { AuthenticatedLogin, FollowEnd } from './client.ts'
import type { BackendAccess } from './connect.ts'
import { follow, type FollowAccess } from './follow.ts'
import { type BackendHosts, createBackendHosts } from './hosts.ts'
import { createLoopGuard } from './loops.ts'
import { ProxyBackend, type SessionAccess } from './proxied-session.ts'
import { createResolver, type LookUp, systemLookUp } from './resolve.ts'
import { createSourceIps } from './source-ips.ts'

/** Takes users to their backends. One a process; a reload leaves it alone. */
export interface Proxy {
  /** From what the databases said to a verdict, and to a backend that waits for its client. Faults are thrown. */
  follow(login: AuthenticatedLogin): Promise<FollowEnd<ProxyBackend>>
  /** Resolves `login_source_ips` before the first login needs it. */
  prepareSourceIps(setting: readonly string[]): Promise<void>
  readonly hosts: BackendHosts
}

export interface ProxyOptions {
  readonly observer: Observer
  /** The process's TLS cache. */
  readonly tlsContexts: ClientContexts
  readonly haproxyHeader: BackendAccess['haproxyHeader']
  readonly disconnectDelay: SessionAccess['disconnectDelay']
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly lookUp?: LookUp
  readonly dial?: BackendAccess['dial']
  readonly hosts?: BackendHosts
}

export function createProxy(options: ProxyOptions): Proxy {
  const { observer, tlsContexts, haproxyHeader, disconnectDelay } = options
  const { now = Date.now, lookUp = systemLookUp, dial = dialBackend } = options
  const { hosts = createBackendHosts(observer, now) } = options
  const sourceIps = createSourceIps({ observer, lookUp })
  const access: FollowAccess & SessionAccess = {
    observer,
    hosts,
    sourceIps,
    dial,
    tlsContext: backendContexts(tlsContexts),
    haproxyHeader,
    disconnectDelay,
    resolver: createResolver({ observer, now, lookUp }),
    loops: createLoopGuard(),
    now,
  }
  return {
    hosts,
    prepareSourceIps: async (setting) => await sourceIps.prepare(setting),
    async follow(login) {
      const end = await follow(access, login)
      const { backend } = end
      return { ...end, backend: backend === undefined ? undefined : new ProxyBackend(access, login.client, backend) }
    },
  }
}
