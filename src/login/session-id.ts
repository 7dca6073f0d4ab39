import { isIPv4 } from 'node:net'
import type { Endpoint } from '../net/byte-stream.ts'

/** A forwarded id that is longer is ignored. */
export const SESSION_ID_MAX = 64

/**
 * The id of a connection, as Dovecot makes it: the low 48 bits of the time in microseconds, the client's port and address,
 * little endian, as base64. It is logged by every server on the way, so it must be unique, not secret.
 */
export function makeSessionId(remote: Endpoint, nowMicroseconds: number): string {
  const ip = addressBytes(remote.ip)
  const bytes = Buffer.allocUnsafe(8 + ip.length)
  bytes.writeUIntLE(nowMicroseconds % 2 ** 48, 0, 6)
  bytes.writeUInt16LE(remote.port & 0xffff, 6)
  bytes.set(ip, 8)
  return bytes.toString('base64')
}

function addressBytes(ip: string): readonly number[] {
  if (isIPv4(ip)) return ip.split('.').map(Number)
  const [head = '', tail] = (ip.split('%', 1)[0] ?? '').split('::')
  const left = groupBytes(head)
  if (tail === undefined) return left.length === 16 ? left : Array<number>(16).fill(0)
  const right = groupBytes(tail)
  return [...left, ...Array<number>(Math.max(0, 16 - left.length - right.length)).fill(0), ...right]
}

function groupBytes(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
