import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import {
  CONTROL_EXIT,
  formatLine,
  parseRequest,
  REQUEST_BYTES,
  type ControlReply,
  type ControlRequest,
} from './wire.ts'

/** A request must be complete within this time. */
const REQUEST_MS = 10_000

/** Runs one command; rows and text go out through `reply` as they come. Resolves with the exit status. */
export type ControlHandler = (
  request: ControlRequest,
  reply: (reply: ControlReply) => void,
  signal: AbortSignal,
) => Promise<number>

/** Another server has the socket. */
export class ControlTaken extends Error {
  override readonly name = 'ControlTaken'
}

/**
 * Opens the control socket, mode 0600. Rejects with ControlTaken when another server answers there; a socket that a dead
 * server left behind is replaced.
 */
export async function openControlSocket(path: string, handler: ControlHandler): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true })
  if (await answers(path)) throw new ControlTaken(`another server answers at ${path}`)
  rmSync(path, { force: true })
  const server = createServer((socket) => void serve(socket, handler))
  // Nobody else may reach it, not even between bind and chmod.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
    await once(server, 'listening')
    chmodSync(path, 0o600)
  } finally {
    process.umask(umask)
  }
  return server
}

async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function serve(socket: Socket, handler: ControlHandler): Promise<void> {
  const gone = new AbortController()
  socket.on('error', () => gone.abort())
  socket.on('close', () => gone.abort())
  const reply = (value: ControlReply): void => {
    if (!gone.signal.aborted) socket.write(formatLine(value))
  }
  try {
    const line = await readRequest(socket)
    const status = await handler(parseRequest(line), reply, gone.signal)
    reply({ kind: 'done', status })
  } catch (error) {
    reply({ kind: 'done', status: CONTROL_EXIT.failed, error: error instanceof Error ? error.message : String(error) })
  }
  socket.end()
}

async function readRequest(socket: Socket): Promise<string> {
  const deadline = setTimeout(() => socket.destroy(new Error('no request came in time')), REQUEST_MS)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > REQUEST_BYTES) throw new Error(`request is longer than ${REQUEST_BYTES} bytes`)
      if (chunk.includes(0x0a)) break
    }
  } finally {
    clearTimeout(deadline)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  return text.slice(0, text.includes('\n') ? text.indexOf('\n') : undefined)
}
