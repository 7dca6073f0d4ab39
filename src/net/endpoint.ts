import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { normalizeIp } from '../util/ip.ts'
import type { Endpoint } from './byte-stream.ts'

const NOWHERE: Endpoint = { ip: '', port: 0 }

/** Our end of a connection; empty when it is no TCP connection or already gone. */
export function localEndpoint(socket: Duplex): Endpoint {
  return socket instanceof Socket ? endpoint(socket.localAddress, socket.localPort) : NOWHERE
}

/** The peer's end; empty when it is no TCP connection or already gone. */
export function remoteEndpoint(socket: Duplex): Endpoint {
  return socket instanceof Socket ? endpoint(socket.remoteAddress, socket.remotePort) : NOWHERE
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  if (address === undefined || port === undefined) return NOWHERE
  return { ip: normalizeIp(address) ?? address, port }
}
