import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { PATIENCE_MS, within } from '../support/deadline.ts'
import { Wire } from '../support/wire.ts'

/** What the backend says on one connection, from top to bottom. `number` counts connections from 1. */
export type BackendScript = (wire: Wire, number: number) => Promise<void>

export interface ScriptedBackend {
  readonly host: string
  readonly port: number
  /** Connections so far, in the order they came. What each received is in `received`. */
  readonly connections: readonly Wire[]
  /** The connection with this number, counted from 1; waits for it. */
  connection(number: number, ms?: number): Promise<Wire>
  /** What scripts threw, in order. A test that gave a script looks here at the end. */
  readonly faults: readonly Error[]
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/**
 * A backend that says exactly what a test wants. With a script it plays that on every connection; without one the test
 * drives the connections itself, through `connection(1)` and so on.
 */
export async function startScriptedBackend(script?: BackendScript, host = '127.0.0.1'): Promise<ScriptedBackend> {
  const connections: Wire[] = []
  const faults: Error[] = []
  let arrival = Promise.withResolvers<void>()
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.setNoDelay(true)
    const number = connections.length + 1
    const wire = new Wire(socket, `backend connection ${number}`)
    connections.push(wire)
    script?.(wire, number).catch((error: unknown) => {
      faults.push(error instanceof Error ? error : new Error(String(error)))
      wire.destroy()
    })
    arrival.resolve()
    arrival = Promise.withResolvers<void>()
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    host,
    port: (server.address() as AddressInfo).port,
    connections,
    faults,
    async connection(number, ms = PATIENCE_MS) {
      const latest = performance.now() + ms
      for (;;) {
        const wire = connections[number - 1]
        if (wire !== undefined) return wire
        const complaint = (): string =>
          `backend: connection ${number} did not come within ${ms} ms (${connections.length} came)`
        await within(Math.max(0, latest - performance.now()), complaint, arrival.promise)
      }
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const wire of connections) wire.destroy()
      await closed
    },
  }
}
