import type { Settings } from '../config/config.ts'
import { dial as dialBackend } from '../net/dial.ts'
import type { Observer } from '../observe/events.ts'
import type { Soon } from '../util/soon.ts'
import { backendContexts, type ClientContexts } from './backend-tls.ts'
import type { AuthenticatedLogin, FollowEnd } from './client.ts'
import type { BackendAccess } from './connect.ts'
import { DisconnectDelay } from './disconnect-delay.ts'
import { follow, type FollowAccess } from './follow.ts'
import { type BackendHosts, type BackendNews, createBackendHosts } from './hosts.ts'
import { createLoopGuard } from './loops.ts'
import type { ProxyBackend, SessionAccess } from './proxied-session.ts'
import { createResolver, type LookUp, systemLookUp } from './resolve.ts'
import { createRawlogs, type Rawlog, type Rawlogs } from '../observe/rawlog.ts'
import { createUserReports, loginPath } from './refresh.ts'
import { createSourceIps } from './source-ips.ts'

/** Takes users to their backends. One a process; a reload leaves it alone. */
export interface Proxy {
  /** From what the databases said to a verdict, and to a backend that waits for its client. Faults are thrown, or reject. */
  follow(login: AuthenticatedLogin): Soon<FollowEnd<ProxyBackend>>
  /** Resolves `login_source_ips` before the first login needs it, and says what is wrong with `login_proxy_rawlog_dir`. */
  prepare(settings: Settings): Promise<void>
  readonly hosts: BackendHosts
}

export interface ProxyOptions {
  readonly observer: Observer
  /** The process's TLS cache. */
  readonly tlsContexts: ClientContexts
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly lookUp?: LookUp
  readonly dial?: BackendAccess['dial']
  readonly hosts?: BackendHosts
  /** Tells the other processes what became of a backend. */
  readonly tell?: (news: BackendNews) => void
}

export function createProxy(options: ProxyOptions): Proxy {
  const { observer, tlsContexts } = options
  const { now = Date.now, lookUp = systemLookUp, dial = dialBackend } = options
  const { hosts = createBackendHosts(observer, now, options.tell) } = options
  const sourceIps = createSourceIps({ observer, lookUp })
  const rawlogs = createRawlogs((text) => observer.log('error', 'proxy', text), now)
  const access: FollowAccess = {
    observer,
    hosts,
    sourceIps,
    dial,
    tlsContext: backendContexts(tlsContexts),
    disconnectDelay: disconnectDelays(),
    resolver: createResolver({ observer, now, lookUp }),
    loops: createLoopGuard(),
    reports: createUserReports(observer, now),
    openRawlog: (settings) => rawlogFor(rawlogs, settings),
    now,
  }
  return {
    hosts,
    async prepare(settings) {
      rawlogFor(rawlogs, settings)
      await sourceIps.prepare(settings.login_source_ips)
    },
    follow: (login) => follow(access, login),
  }
}

function rawlogFor(rawlogs: Rawlogs, settings: Settings): (() => Rawlog) | undefined {
  const { login_proxy_rawlog_dir: dir } = settings
  if (dir === '') return undefined
  const path = loginPath(settings, dir)
  return rawlogs.usable(path) ? () => rawlogs.open(path) : undefined
}

/** One a setting: a reload with another value does not disturb the clients that wait for theirs. */
function disconnectDelays(): SessionAccess['disconnectDelay'] {
  const delays = new Map<number, DisconnectDelay>()
  return (maxDelayMs) => {
    const known = delays.get(maxDelayMs)
    if (known !== undefined) return known
    const delay = new DisconnectDelay(maxDelayMs)
    delays.set(maxDelayMs, delay)
    return delay
  }
}
