/** MD4 (RFC 1320), by hand: OpenSSL 3 no longer offers it. Only for stored PLAIN-MD4 hashes and `%{md4:...}`. */
export function md4(message: Buffer): Buffer {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  const padded = pad(message)
  const words = new Int32Array(16)
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let i = 0; i < 16; i++) words[i] = padded.readInt32LE(offset + i * 4)
    compress(state, words)
  }
  const digest = Buffer.alloc(16)
  state.forEach((word, i) => digest.writeInt32LE(word, i * 4))
  return digest
}

/** RFC 1320 §3.1, §3.2: a 1 bit, zeros, the length in bits. */
function pad(message: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64)
  message.copy(padded)
  padded[message.length] = 0x80
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8)
  return padded
}

interface Round {
  readonly mix: (b: number, c: number, d: number) => number
  readonly add: number
  readonly order: readonly number[]
  readonly shifts: readonly number[]
}

/** RFC 1320 §3.4. */
const rounds: readonly Round[] = [
  {
    mix: (b, c, d) => (b & c) | (~b & d),
    add: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (b, c, d) => (b & c) | (b & d) | (c & d),
    add: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (b, c, d) => b ^ c ^ d,
    add: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
]

function compress(state: Int32Array, words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = state
  for (const { mix, add, order, shifts } of rounds) {
    for (const [step, index] of order.entries()) {
      const sum = (a + mix(b, c, d) + (words[index] ?? 0) + add) | 0
      const shift = shifts[step % 4] ?? 0
      ;[a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c]
    }
  }
  state[0] = ((state[0] ?? 0) + a) | 0
  state[1] = ((state[1] ?? 0) + b) | 0
  state[2] = ((state[2] ?? 0) + c) | 0
  state[3] = ((state[3] ?? 0) + d) | 0
}
