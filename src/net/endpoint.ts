import { Socket } from 'node:net'
import { normalizeIp } from '../util/ip.ts'
import { BareStream } from './bare/bare-stream.ts'
import type { Endpoint } from './byte-stream.ts'
import type { StreamSocket } from './stream-socket.ts'

const NOWHERE: Endpoint = { ip: '', port: 0 }

/** Our end of a connection; empty when it is no TCP connection or already gone. */
export function localEndpoint(socket: StreamSocket): Endpoint {
  if (socket instanceof BareStream) {
    const { address, port } = socket.local()
    return endpoint(address, port)
  }
  return socket instanceof Socket ? endpoint(socket.localAddress, socket.localPort) : NOWHERE
}

/** The peer's end; empty when it is no TCP connection or already gone. */
export function remoteEndpoint(socket: StreamSocket): Endpoint {
  if (socket instanceof BareStream) {
    const { address, port } = socket.remote()
    return endpoint(address, port)
  }
  return socket instanceof Socket ? endpoint(socket.remoteAddress, socket.remotePort) : NOWHERE
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  if (address === undefined || port === undefined) return NOWHERE
  return { ip: normalizeIp(address) ?? address, port }
}
