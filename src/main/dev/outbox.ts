import { mkdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The SMTP server behind the sample backends: what users send ends up as files in a folder. */
export interface Outbox {
  readonly port: number
  stop(): Promise<void>
}

/** Takes every message into `directory`. It talks to the sample backends only, and believes them. */
export async function startOutbox(directory: string): Promise<Outbox> {
  mkdirSync(directory, { recursive: true })
  const sockets = new Set<Socket>()
  let messages = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    const keep = (message: string): void =>
      writeFileSync(join(directory, `${Date.now()}-${++messages}.eml`), message, 'latin1')
    void serve(socket, keep).catch(() => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function serve(socket: Socket, keep: (message: string) => void): Promise<void> {
  const say = (line: string): boolean => socket.write(`${line}\r\n`)
  socket.setEncoding('latin1')
  say('220 outbox ESMTP')
  let message: string[] | undefined
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
    if (message !== undefined) {
      if (line !== '.') {
        message.push(line.startsWith('.') ? line.slice(1) : line)
        continue
      }
      keep(`${message.join('\r\n')}\r\n`)
      message = undefined
      say('250 2.0.0 Kept')
      continue
    }
    const command = line.slice(0, 4).toUpperCase()
    if (command === 'DATA') {
      message = []
      say('354 Go on')
    } else if (command === 'EHLO') {
      say('250-outbox\r\n250-8BITMIME\r\n250 PIPELINING')
    } else if (command === 'QUIT') {
      socket.end('221 Bye\r\n')
    } else {
      say('250 2.0.0 Fine')
    }
  }
}
