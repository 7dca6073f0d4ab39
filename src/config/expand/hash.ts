import { createHash, pbkdf2Sync } from 'node:crypto'
import { md4 } from '../../util/md4.ts'
import { ExpandError } from './error.ts'

/** The `%{sha256;options:variable}` functions. Values are byte strings. */
export interface HashOptions {
  readonly method: string
  readonly rounds: number
  readonly truncateBits: number
  readonly format: 'hex' | 'base64'
  /** A template. */
  readonly salt: string | undefined
}

type Digest = (data: Buffer) => Buffer

const methods: ReadonlyMap<string, Digest> = new Map([
  ['md4', md4],
  ['md5', openssl('md5')],
  ['sha1', openssl('sha1')],
  ['sha256', openssl('sha256')],
  ['sha384', openssl('sha384')],
  ['sha512', openssl('sha512')],
  ['sha3-256', openssl('sha3-256')],
  ['sha3-512', openssl('sha3-512')],
  ['size', lengthBytes],
])

/** Dovecot gives the size of its HMAC state as the length of the key. */
const PKCS5_KEY_BYTES = 352
const PKCS5_ROUNDS = 2048

export function isHashFunction(name: string): boolean {
  return name === 'pkcs5' || methods.has(name)
}

/** Reads the text before the colon, e.g. `sha256;rounds=2,format=base64`. */
export function parseHashOptions(head: string): HashOptions {
  const [method = '', ...rest] = head.split(';')
  const options = { rounds: method === 'pkcs5' ? PKCS5_ROUNDS : 1, truncateBits: 0, format: 'hex' as 'hex' | 'base64' }
  for (const option of rest.join(';').split(',')) {
    const at = option.indexOf('=')
    const value = option.slice(at + 1)
    const key = at < 0 ? '' : option.slice(0, at)
    if (key === 'salt') return { method, ...options, salt: value }
    if (key === 'rounds') options.rounds = parseRounds(value)
    else if (key === 'truncate') options.truncateBits = parseUint(value, 'truncbits')
    else if (key === 'format') options.format = parseOutput(value)
  }
  return { method, ...options, salt: undefined }
}

function parseRounds(value: string): number {
  const rounds = parseUint(value, 'rounds')
  if (rounds < 1) throw new ExpandError('Cannot parse hash arguments:rounds must be at least 1')
  return rounds
}

function parseUint(value: string, what: string): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
  if (number < 2 ** 32) return number
  throw new ExpandError(`Cannot parse hash arguments:'${value}' is not number for ${what}`)
}

function parseOutput(value: string): 'hex' | 'base64' {
  // Dovecot's hexuc prints lower case too.
  if (value === 'hex' || value === 'hexuc') return 'hex'
  if (value === 'base64') return 'base64'
  throw new ExpandError(`Cannot parse hash arguments:'${value}' is not supported format`)
}

/** Hashes a byte string. `salt` is already expanded. */
export function hashValue(options: HashOptions, value: string, salt: string): string {
  const digest = options.method === 'pkcs5' ? pkcs5(options, value, salt) : rounds(options, value, salt)
  return truncate(digest, options.truncateBits).toString(options.format)
}

function pkcs5(options: HashOptions, value: string, salt: string): Buffer {
  return pbkdf2Sync(bytes(value), bytes(salt), options.rounds, PKCS5_KEY_BYTES, 'sha256')
}

function rounds(options: HashOptions, value: string, salt: string): Buffer {
  const digest = methods.get(options.method)
  if (digest === undefined) throw new ExpandError(`Unknown variable '%${options.method}'`)
  const saltBytes = bytes(salt)
  let data = bytes(value)
  for (let round = 0; round < options.rounds; round++) data = digest(Buffer.concat([saltBytes, data]))
  return data
}

/** Keeps the first `bits` bits, moved to the right end of their bytes. 0 keeps all. */
function truncate(digest: Buffer, bits: number): Buffer {
  if (bits === 0 || bits >= digest.length * 8) return digest
  const kept = BigInt(`0x${digest.toString('hex')}`) >> BigInt(digest.length * 8 - bits)
  const length = Math.ceil(bits / 8)
  return Buffer.from(kept.toString(16).padStart(length * 2, '0'), 'hex')
}

function openssl(name: string): Digest {
  return (data) => createHash(name).update(data).digest()
}

function lengthBytes(data: Buffer): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(data.length))
  return length
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
