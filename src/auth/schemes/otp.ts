import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { md4 } from '../../util/md4.ts'
import { InvalidHash, type PasswordScheme } from './scheme.ts'

const NEW_SEQUENCE = 1024
const NEW_SEED_BYTES = 8
/** RFC 2289 §5.0 writes sequence numbers with four digits at most. */
const MAX_SEQUENCE = 9999
/** Hashes between two looks at the event loop. */
const CHUNK = 500

/** OTP (RFC 2289): `algorithm sequence seed lasthash`. Verifying a password computes the whole chain. */
export const otpScheme: PasswordScheme = {
  name: 'OTP',
  encoding: 'none',
  slow: false,
  async verify(stored, password) {
    const { fold, sequence, seed, last } = parse(stored.toString('latin1'))
    return timingSafeEqual(await chain(fold, password.reveal(), seed, sequence), last)
  },
  async generate(password) {
    const seed = randomBytes(NEW_SEED_BYTES).toString('hex')
    const last = await chain(foldSha1, password.reveal(), seed, NEW_SEQUENCE)
    return Buffer.from(`sha1 ${NEW_SEQUENCE} ${seed} ${last.toString('hex')}`)
  },
}

type Fold = (data: Buffer) => Buffer

/** RFC 2289 Appendix A: digests are folded to 64 bits; SHA-1 words then change their byte order. */
const foldSha1: Fold = (data) => {
  const digest = createHash('sha1').update(data).digest()
  const words = [0, 4, 8, 12, 16].map((at) => digest.readUInt32BE(at))
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = words
  const folded = Buffer.alloc(8)
  folded.writeUInt32LE((a ^ c ^ e) >>> 0, 0)
  folded.writeUInt32LE((b ^ d) >>> 0, 4)
  return folded
}

const foldHalves = (digest: Buffer): Buffer =>
  Buffer.from(digest.subarray(0, 8).map((byte, i) => byte ^ (digest[i + 8] ?? 0)))

const folds: ReadonlyMap<string, Fold> = new Map([
  ['md4', (data: Buffer) => foldHalves(md4(data))],
  ['md5', (data: Buffer) => foldHalves(createHash('md5').update(data).digest())],
  ['sha1', foldSha1],
])

function parse(text: string): {
  readonly fold: Fold
  readonly sequence: number
  readonly seed: string
  readonly last: Buffer
} {
  const [, algorithm = '', sequence, seed = '', last = ''] =
    /^(\w+) (\d{1,5}) ([A-Za-z0-9]{1,16}) ([0-9A-Fa-f]{16})$/.exec(text) ?? []
  const fold = folds.get(algorithm)
  if (fold === undefined || Number(sequence) > MAX_SEQUENCE) throw new InvalidHash('Invalid OTP data in passdb')
  return { fold, sequence: Number(sequence), seed, last: Buffer.from(last, 'hex') }
}

async function chain(fold: Fold, password: Buffer, seed: string, sequence: number): Promise<Buffer> {
  let value = fold(Buffer.concat([Buffer.from(seed.toLowerCase(), 'latin1'), password]))
  for (let i = 1; i <= sequence; i++) {
    value = fold(value)
    if (i % CHUNK === 0) await setImmediate()
  }
  return value
}
