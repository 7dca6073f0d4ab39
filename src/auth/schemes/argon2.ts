import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { hashQueue } from './hash-queue.ts'
import { HASH_LIMITS } from './limits.ts'
import { type GenerateOptions, InvalidHash, type PasswordScheme, type SchemeData } from './scheme.ts'

const argon2Async = promisify(argon2)

/** ARGON2I and ARGON2ID (RFC 9106), stored as PHC strings; the string, not the scheme's name, says which one it is. */
export const argon2Schemes: readonly PasswordScheme[] = [
  argon2Scheme('ARGON2I', 'argon2i', argon2iCost),
  argon2Scheme('ARGON2ID', 'argon2id', argon2idCost),
]

type Kind = 'argon2i' | 'argon2id'

interface Cost {
  readonly passes: number
  readonly memoryKiB: number
}

function argon2Scheme(name: string, kind: Kind, costOf: (rounds: number) => Cost): PasswordScheme {
  return {
    name,
    encoding: 'none',
    slow: true,
    async verify(stored, password) {
      const parsed = parsePhc(stored.toString('latin1'))
      if (parsed === undefined) return false
      return timingSafeEqual(await compute(parsed, password.reveal()), parsed.hash)
    },
    generate: (password, options) => generateArgon2(kind, password.reveal(), options, costOf),
  }
}

interface Phc extends Cost {
  readonly kind: Kind
  readonly parallelism: number
  readonly salt: Buffer
  readonly hash: Buffer
}

const phcPattern = /^\$(argon2id?)\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

function parsePhc(text: string): Phc | undefined {
  const [, kind, memory, passes, parallelism, salt = '', hash = ''] = phcPattern.exec(text) ?? []
  if (kind !== 'argon2i' && kind !== 'argon2id') return undefined
  const phc = {
    kind,
    memoryKiB: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  } as const
  // RFC 9106 §3.1; node:crypto throws for anything less.
  const isPossible = phc.passes >= 1 && phc.parallelism >= 1 && phc.memoryKiB >= 8 * phc.parallelism
  return isPossible && phc.salt.length >= 8 && phc.hash.length >= 4 ? phc : undefined
}

async function compute(phc: Phc, message: Buffer): Promise<Buffer> {
  checkCost(phc)
  const { kind, salt: nonce, parallelism, memoryKiB: memory, passes } = phc
  const parameters = { message, nonce, parallelism, memory, passes, tagLength: phc.hash.length }
  return await hashQueue.run(() => argon2Async(kind, parameters), memory)
}

function checkCost({ memoryKiB, passes, parallelism }: Phc): void {
  const { memoryKiB: memoryLimit, argon2KiBPasses, argon2Parallelism } = HASH_LIMITS
  if (memoryKiB > memoryLimit || memoryKiB * passes > argon2KiBPasses || parallelism > argon2Parallelism) {
    throw new InvalidHash(`Argon2 parameters m=${memoryKiB},t=${passes},p=${parallelism} are above the limits`)
  }
}

const NEW_SALT_BYTES = 16
const NEW_HASH_BYTES = 32

async function generateArgon2(
  kind: Kind,
  message: Buffer,
  { rounds = 0 }: GenerateOptions,
  costOf: (rounds: number) => Cost,
): Promise<SchemeData> {
  const salt = randomBytes(NEW_SALT_BYTES)
  const cost = costOf(rounds)
  const hash = await compute({ kind, ...cost, parallelism: 1, salt, hash: Buffer.alloc(NEW_HASH_BYTES) }, message)
  return Buffer.from(`$${kind}$v=19$m=${cost.memoryKiB},t=${cost.passes},p=1$${unpadded(salt)}$${unpadded(hash)}`)
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

const MIB = 1024

/** Memory grows with the passes asked for, by libsodium's classes. */
function argon2iCost(rounds: number): Cost {
  if (rounds !== 0 && rounds < 3) throw new InvalidHash('crypto_pwhash_argon2i_str failed: Invalid argument')
  if (rounds >= 8) return { passes: rounds, memoryKiB: 512 * MIB }
  return { passes: rounds === 0 ? 4 : rounds, memoryKiB: (rounds >= 6 ? 128 : 32) * MIB }
}

function argon2idCost(rounds: number): Cost {
  if (rounds >= 4) return { passes: rounds, memoryKiB: 1024 * MIB }
  return { passes: 3, memoryKiB: (rounds === 3 ? 256 : 64) * MIB }
}
