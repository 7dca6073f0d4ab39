import { createHash } from 'node:crypto'
import { md5Resume, md5StateAfter, MD5_STATE_BYTES } from '../util/md5-state.ts'

/** Length of the two states of HMAC-MD5 after a key: what Dovecot stores as `{CRAM-MD5}`. */
export const CRAM_MD5_BYTES = 2 * MD5_STATE_BYTES
const BLOCK_BYTES = 64

/** The states of HMAC-MD5 (RFC 2104) after its key: the outer one, then the inner one. */
export function hmacMd5States(key: Buffer): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  const short = key.length > BLOCK_BYTES ? createHash('md5').update(key).digest() : key
  short.copy(block)
  return Buffer.concat([md5StateAfter(masked(block, 0x5c)), md5StateAfter(masked(block, 0x36))])
}

function masked(block: Buffer, mask: number): Buffer {
  return Buffer.from(block.map((byte) => byte ^ mask))
}

/** HMAC-MD5 of a message, from the states after the key. */
export function hmacMd5FromStates(states: Buffer, message: Buffer): Buffer {
  const inner = md5Resume(states.subarray(MD5_STATE_BYTES), message)
  return md5Resume(states.subarray(0, MD5_STATE_BYTES), inner)
}
