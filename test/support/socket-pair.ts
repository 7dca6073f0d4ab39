import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Two ends of one TCP connection over loopback, half-open like those of the server, gone after the test. */
export async function socketPair(t: TestContext, address = '127.0.0.1'): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, address)
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = connect({
    port: (server.address() as AddressInfo).port,
    host: address,
    allowHalfOpen: true,
    noDelay: true,
  })
  const [near] = await accepted
  if (far.connecting) await once(far, 'connect')
  server.close()
  t.after(() => {
    near.destroy()
    far.destroy()
  })
  far.on('error', () => undefined)
  return { near, far }
}
