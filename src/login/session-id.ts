import { Buffer } from 'node:buffer'
import type { Endpoint } from '../net/byte-stream.ts'
import { ipBytes } from '../util/ip.ts'

/** A forwarded id that is longer is ignored. */
export const SESSION_ID_MAX = 64

const NO_ADDRESS = Buffer.alloc(4)
/** Every connection has an id made, so there is one place to make them in. With room for an IPv6 address. */
const scratch = Buffer.alloc(8 + 16)

/**
 * The id of a connection, as Dovecot makes it: the low 48 bits of the time in microseconds, the client's port and address,
 * little endian, as base64. It is logged by every server on the way, so it must be unique, not secret.
 */
export function makeSessionId(remote: Endpoint, nowMicroseconds: number): string {
  const ip = ipBytes(remote.ip) ?? NO_ADDRESS
  scratch.writeUIntLE(nowMicroseconds % 2 ** 48, 0, 6)
  scratch.writeUInt16LE(remote.port & 0xffff, 6)
  for (let i = 0; i < ip.length; i++) scratch[8 + i] = ip[i] ?? 0
  return scratch.toString('base64', 0, 8 + ip.length)
}
