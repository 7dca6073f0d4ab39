import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Settings } from '../config/config.ts'
import type { ListenerPlan } from '../config/listeners.ts'
import type { Accepted } from '../login/environment.ts'
import { SocketStream } from '../net/socket-stream.ts'
import type { Observer } from '../observe/events.ts'

/** An open listener. Connections that come before `start` wait. */
export interface PlannedListener {
  readonly port: number
  start(): void
  /** Accepts no more; sessions go on. */
  close(): void
}

/** Opens the socket of a plan. Rejects with the address when it cannot be bound. */
export async function openPlannedListener(
  plan: ListenerPlan,
  _settings: Settings,
  observer: Observer,
  accept: (stream: SocketStream, accepted: Omit<Accepted, 'protocol'>) => void,
): Promise<PlannedListener> {
  const waiting: Socket[] = []
  let started = false
  const take = (socket: Socket): void => accept(new SocketStream(socket), { listenerName: plan.name, ssl: plan.ssl })
  const server = createServer({ noDelay: true }, (socket) => {
    if (started) take(socket)
    else waiting.push(socket)
  })
  try {
    server.listen({ host: plan.address, port: plan.port, ipv6Only: plan.address === '::' })
    await once(server, 'listening')
  } catch (error) {
    throw new Error(
      `bind(${plan.address}, ${plan.port}) failed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
  server.on('error', (error) => observer.log('error', plan.service, `accept() failed: ${error.message}`))
  return {
    port: (server.address() as AddressInfo).port,
    start() {
      started = true
      for (const socket of waiting.splice(0)) take(socket)
    },
    close: () => server.close(),
  }
}
