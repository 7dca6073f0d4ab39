/**
 * The inner state of MD5 (RFC 1321) after whole blocks, by hand: Dovecot stores CRAM-MD5 passwords as the two states of
 * HMAC-MD5 (RFC 2104) after the key, and `node:crypto` neither gives nor takes a state.
 */
const BLOCK_BYTES = 64
export const MD5_STATE_BYTES = 16

const initialState = Buffer.from('0123456789abcdeffedcba9876543210', 'hex')

/** The state after one 64-byte block. */
export function md5StateAfter(block: Buffer): Buffer {
  return compress(initialState, block)
}

/** The MD5 digest of a message whose first 64-byte block led to `state`, and whose rest is `rest`. */
export function md5Resume(state: Buffer, rest: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil((rest.length + 9) / BLOCK_BYTES) * BLOCK_BYTES)
  rest.copy(padded)
  padded[rest.length] = 0x80
  padded.writeBigUInt64LE(BigInt(BLOCK_BYTES + rest.length) * 8n, padded.length - 8)
  let current = state
  for (let at = 0; at < padded.length; at += BLOCK_BYTES)
    current = compress(current, padded.subarray(at, at + BLOCK_BYTES))
  return current
}

/** RFC 1321 §3.4: the sine table and the shifts of the four rounds. */
const sines = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)
const shifts = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const

interface Round {
  readonly mix: (b: number, c: number, d: number) => number
  readonly word: (step: number) => number
}

const rounds: readonly Round[] = [
  { mix: (b, c, d) => (b & c) | (~b & d), word: (step) => step },
  { mix: (b, c, d) => (d & b) | (~d & c), word: (step) => (5 * step + 1) % 16 },
  { mix: (b, c, d) => b ^ c ^ d, word: (step) => (3 * step + 5) % 16 },
  { mix: (b, c, d) => c ^ (b | ~d), word: (step) => (7 * step) % 16 },
]

function compress(state: Buffer, block: Buffer): Buffer {
  const start = [0, 4, 8, 12].map((at) => state.readInt32LE(at))
  let [a = 0, b = 0, c = 0, d = 0] = start
  for (const [index, { mix, word }] of rounds.entries()) {
    for (let step = 0; step < 16; step++) {
      const sum = (a + mix(b, c, d) + block.readInt32LE(word(step) * 4) + (sines[index * 16 + step] ?? 0)) | 0
      const shift = shifts[index]?.[step % 4] ?? 0
      ;[a, b, c, d] = [d, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0, b, c]
    }
  }
  const next = Buffer.alloc(MD5_STATE_BYTES)
  ;[a, b, c, d].forEach((value, i) => next.writeInt32LE(((start[i] ?? 0) + value) | 0, i * 4))
  return next
}
