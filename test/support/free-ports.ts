import { createSocket, type Socket } from 'node:dgram'
import { type EventEmitter, once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that the kernel hands out by itself: no listener on port 0 and no outgoing connection takes one of these
 * between the moment it was found free and the moment a server has it, nor while that server is away for a test.
 */
const FIRST_PORT = 10_240
const LAST_PORT = 31_999

/** UDP sockets on the ports that tests of this process use: other processes cannot have the same, and know it at once. */
const reserved = new Map<number, Socket>()

/** Ports that nobody uses on `address`, and no other test takes while this process lives, unless they are released. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = []
  let port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
  for (let tried = 0; ports.length < count; tried++) {
    if (tried > LAST_PORT - FIRST_PORT) throw new Error('no port is free')
    port = port >= LAST_PORT ? FIRST_PORT : port + 1
    if (await takePort(port, address)) ports.push(port)
  }
  return ports
}

/** Others may have these now. */
export function releasePorts(ports: readonly number[]): void {
  for (const port of ports) {
    reserved.get(port)?.close()
    reserved.delete(port)
  }
}

async function takePort(port: number, address: string): Promise<boolean> {
  if (reserved.has(port)) return false
  const socket = createSocket('udp4')
  socket.unref()
  reserved.set(port, socket)
  const opened = await opens(socket.bind({ port, address: '127.0.0.1', exclusive: true }))
  if (opened && (await isFree(port, address))) return true
  reserved.delete(port)
  if (opened) socket.close()
  return false
}

async function isFree(port: number, address: string): Promise<boolean> {
  const server = createServer().listen(port, address)
  if (!(await opens(server))) return false
  await new Promise((closed) => server.close(closed))
  return true
}

async function opens(socket: EventEmitter): Promise<boolean> {
  try {
    await once(socket, 'listening')
    return true
  } catch {
    return false
  }
}
