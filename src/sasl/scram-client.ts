import { timingSafeEqual } from 'node:crypto'
import { SASL_LIMITS } from './limits.ts'
import { type SaslClient, type SaslClientCredentials, SaslError } from './mechanism.ts'
import { deriveScramKeysSync, digest, hmac, MIN_SCRAM_ITERATIONS, type ScramHash } from './scram-keys.ts'
import { escapeName, parseServerFirst } from './scram-message.ts'

const NONCE_BYTES = 18

/** Channel binding types, best first: RFC 9266, RFC 5929. */
const bindingTypes = ['tls-exporter', 'tls-server-end-point', 'tls-unique']

/** The client half of SCRAM. RFC 5802 §5. */
export class ScramClient implements SaslClient {
  readonly failureDetail = undefined
  readonly #credentials: SaslClientCredentials
  readonly #hash: ScramHash
  readonly #binding: Buffer
  readonly #gs2Header: string
  readonly #nonce: string
  readonly #bare: string
  #expected: Buffer | undefined
  #proven = false

  constructor(credentials: SaslClientCredentials, hash: ScramHash, isPlus: boolean) {
    const { authcid, authzid } = credentials
    const binding = isPlus ? chooseBinding(credentials) : undefined
    this.#credentials = credentials
    this.#hash = hash
    this.#binding = binding?.data ?? Buffer.alloc(0)
    const flag = binding === undefined ? 'n' : `p=${binding.type}`
    this.#gs2Header = `${flag},${authzid === authcid ? '' : `a=${escapeName(authzid)}`},`
    this.#nonce = credentials.randomBytes(NONCE_BYTES).toString('base64')
    this.#bare = `n=${escapeName(authcid)},r=${this.#nonce}`
  }

  initial(): Buffer {
    return Buffer.from(this.#gs2Header + this.#bare)
  }

  respond(challenge: Buffer): Buffer {
    if (this.#expected === undefined) return this.#prove(challenge)
    // server-error: its refusal follows. RFC 5802 §7.
    if (!challenge.subarray(0, 2).equals(Buffer.from('e='))) this.#check(challenge)
    return Buffer.alloc(0)
  }

  finish(data: Buffer | undefined): void {
    if (data !== undefined && data.length > 0) this.#check(data)
    if (!this.#proven) throw new SaslError('Server did not prove that it knows the password')
  }

  #prove(challenge: Buffer): Buffer {
    const { nonce, salt, iterations } = parseServerFirst(challenge)
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) throw new SaslError('Wrong nonce')
    if (iterations < MIN_SCRAM_ITERATIONS || iterations > SASL_LIMITS.clientIterations) {
      throw new SaslError(
        `Iteration count ${iterations} is not between ${MIN_SCRAM_ITERATIONS} and ${SASL_LIMITS.clientIterations}`,
      )
    }
    const keys = deriveScramKeysSync(this.#hash, this.#credentials.secret.reveal(), salt, iterations)
    const bound = Buffer.concat([Buffer.from(this.#gs2Header), this.#binding]).toString('base64')
    const withoutProof = `c=${bound},r=${nonce}`
    const authMessage = Buffer.concat([Buffer.from(`${this.#bare},`), challenge, Buffer.from(`,${withoutProof}`)])
    const signature = hmac(this.#hash, digest(this.#hash, keys.clientKey), authMessage)
    const proof = Buffer.from(keys.clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
    this.#expected = hmac(this.#hash, keys.serverKey, authMessage)
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`, 'latin1')
  }

  #check(data: Buffer): void {
    const [, signature = ''] = /^v=([^,]*)/.exec(data.toString('latin1')) ?? []
    const given = Buffer.from(signature, 'base64')
    const isRight = given.length === this.#expected?.length && timingSafeEqual(given, this.#expected)
    if (this.#proven || !isRight) throw new SaslError('Server signature is wrong')
    this.#proven = true
  }
}

function chooseBinding({ channelBinding }: SaslClientCredentials): { readonly type: string; readonly data: Buffer } {
  for (const type of bindingTypes) {
    const data = channelBinding?.(type)
    if (data !== undefined) return { type, data }
  }
  throw new SaslError('The connection has no channel binding data')
}
