import { BareSocket } from './bare-socket.ts'
import { errnoError } from './bare-stream.ts'
import { bareBinding, type ConnectRequest, type TcpHandle } from './binding.ts'

export interface BareTarget {
  /** IPv4 or IPv6, never a name. */
  readonly ip: string
  readonly port: number
  /** Of the same family. */
  readonly sourceIp?: string | undefined
}

/**
 * Begins to connect. `done` runs once, in a later turn, with an error whose `syscall` is `bind` or `connect`; not when the socket
 * was destroyed before. Nothing is read yet. `undefined` where this Node has no bare sockets.
 */
export function connectBare(target: BareTarget, done: (error: Error | undefined) => void): BareSocket | undefined {
  const binding = bareBinding
  if (binding === undefined) return undefined
  const handle = new binding.Tcp(binding.socketType)
  const socket = new BareSocket(handle, binding)
  const conclude = (status: number, call: string): void => {
    if (socket.destroyed) return
    if (status < 0) return done(errnoError(status, call))
    handle.setNoDelay(true)
    done(undefined)
  }
  const request = new binding.ConnectRequest()
  // `this` of the callback is the request.
  request.oncomplete = (status) => conclude(status, 'connect')
  const [call, status] = begin(handle, request, target)
  if (status < 0) process.nextTick(conclude, status, call)
  return socket
}

function begin(handle: TcpHandle, request: ConnectRequest, { ip, port, sourceIp }: BareTarget): [string, number] {
  const isV6 = ip.includes(':')
  if (sourceIp !== undefined) {
    const status = isV6 ? handle.bind6(sourceIp, 0, 0) : handle.bind(sourceIp, 0)
    if (status < 0) return ['bind', status]
  }
  return ['connect', isV6 ? handle.connect6(request, ip, port) : handle.connect(request, ip, port)]
}
