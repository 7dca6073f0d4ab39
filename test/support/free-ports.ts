import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/**
 * Asks the kernel for ports that nobody uses on `address`. They are free when this resolves; somebody may still be
 * faster, so whoever hands them to a server tries again when that server finds one taken.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, address))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}
