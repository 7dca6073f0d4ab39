import type { Settings } from '../config/config.ts'
import type { ListenerPlan } from '../config/listeners.ts'
import type { HaproxyRules } from '../net/haproxy.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import { openListener } from '../net/listener.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import type { Observer } from '../observe/events.ts'
import { parseNetworks } from '../util/ip.ts'
import { grantUnixAccess } from './unix-socket.ts'

/** An open listener. Connections that come before `start` wait. */
export interface PlannedListener {
  readonly port: number
  start(): void
  /** Accepts no more; sessions go on. */
  close(): void
}

/** Takes a connection, its PROXY header read. */
export type TakeConnection = (stream: SocketStream, header: ProxyHeader | undefined) => void

/** Opens the socket of a plan. `settings` is asked at each connection. Rejects with the address when it cannot be bound. */
export async function openPlannedListener(
  plan: ListenerPlan,
  settings: () => Settings,
  observer: Observer,
  take: TakeConnection,
): Promise<PlannedListener> {
  const waiting: Parameters<TakeConnection>[] = []
  let started = false
  let isClosed = false
  const listener = await openListener({
    address: plan.address,
    port: plan.port,
    reusePort: plan.reusePort,
    // LMTP is more messages than sessions.
    bare: settings().postern_bare_sockets && plan.protocol !== 'lmtp',
    ...(plan.haproxy ? { haproxy: haproxyRules(settings) } : undefined),
    onConnection(stream, header) {
      if (started) take(stream, header)
      else if (isClosed) stream.destroy()
      else waiting.push([stream, header])
    },
    onRefused: (text) => observer.log('error', plan.service, text),
  })
  try {
    if (plan.unix !== undefined) grantUnixAccess(plan.address, plan.unix)
  } catch (error) {
    listener.close()
    throw error
  }
  return {
    port: listener.port,
    start() {
      started = true
      for (const connection of waiting.splice(0)) take(...connection)
    },
    close() {
      listener.close()
      // Nobody will ever greet them.
      for (const [stream] of waiting.splice(0)) stream.destroy()
      isClosed = true
    },
  }
}

/** `haproxy_trusted_networks` and `haproxy_timeout` as they are when a connection comes. */
function haproxyRules(settings: () => Settings): HaproxyRules {
  return {
    trusts: (ip) => parseNetworks(settings().haproxy_trusted_networks.join(' ')).has(ip),
    get timeoutMs() {
      return settings().haproxy_timeout
    },
  }
}
