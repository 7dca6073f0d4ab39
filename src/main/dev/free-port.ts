import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A port of a loopback address that nobody had a moment ago, nor the other workers. Rejects when this machine does not have the address. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen({ port: 0, host, exclusive: true })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The loopback address of the nth backend, 127.0.0.2 and on; 127.0.0.1 where a machine answers to that only. */
export async function backendHost(index: number): Promise<string> {
  const host = `127.0.0.${index + 2}`
  try {
    await freePort(host)
    return host
  } catch {
    return '127.0.0.1'
  }
}
