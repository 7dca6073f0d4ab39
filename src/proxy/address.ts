import { isIP, SocketAddress } from 'node:net'

/**
 * An IP address in the one form that addresses are compared in: IPv6 shortened and lower case, IPv4 inside IPv6 as IPv4.
 * Undefined for anything else.
 */
export function canonicalIp(text: string): string | undefined {
  const family = isIP(text)
  if (family !== 6) return family === 4 ? text : undefined
  const { address } = new SocketAddress({ address: text.split('%', 1)[0] ?? text, family: 'ipv6' })
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address
}
