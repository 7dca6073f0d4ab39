import { once } from 'node:events'
import { connect, type TcpSocketConnectOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { PATIENCE_MS, within } from './deadline.ts'
import { Wire } from './wire.ts'

export interface RawClientOptions {
  readonly port: number
  readonly host?: string
  /** Connect from this address of the machine: any of 127.0.0.0/8 works. */
  readonly localAddress?: string
  readonly localPort?: number
  /** TLS from the first byte. */
  readonly tls?: ConnectionOptions
  readonly name?: string
}

/** Connects a client that says exactly what the test tells it to. */
export async function connectRaw(options: RawClientOptions): Promise<Wire> {
  const { port, host = '127.0.0.1', localAddress, localPort, tls, name = 'client' } = options
  const target: TcpSocketConnectOpts = {
    port,
    host,
    ...(localAddress === undefined ? undefined : { localAddress }),
    ...(localPort === undefined ? undefined : { localPort }),
  }
  const socket = connect(target)
  await within(PATIENCE_MS, () => `${name}: cannot connect to ${host}:${port}`, once(socket, 'connect'))
  socket.setNoDelay(true)
  const wire = new Wire(socket, name)
  if (tls !== undefined) await wire.startTlsAsClient(tls)
  return wire
}
