import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { PATIENCE_MS } from './deadline.ts'
import type { ServerProcess } from './server-process.ts'

const PAUSE_MS = 20

/** For servers that say nothing when they are ready: resolves once the port takes a connection. */
export async function untilListening(server: ServerProcess, port: number): Promise<void> {
  const latest = performance.now() + PATIENCE_MS
  while (performance.now() < latest) {
    if (!server.running) throw new Error('the process ended first')
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await pause(PAUSE_MS)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`nothing listens on port ${port}`)
}
