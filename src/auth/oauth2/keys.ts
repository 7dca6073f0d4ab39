// Keys of JWTs: files of a dict, or the key set (RFC 7517) that an OpenID configuration points to. Both are remembered.
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import type { CryptoKey, JSONWebKeySet, JWTHeaderParameters } from 'jose'
import { codeOf } from '../../net/fault-text.ts'
import type { AuthNeeds } from '../needs.ts'
import { type HttpClient, HttpFault } from './http.ts'

export const KEY_LIMITS = {
  /** A key is read again after this long. */
  keepMs: 10 * 60_000,
  /** A key set is asked for a key that it lacked at most this often. */
  askAgainMs: 30_000,
  /** Keys of files that are remembered; names come from tokens. */
  files: 1000,
  keyBytes: 64 * 1024,
} as const

/** A key, no such key, or no answer. */
export type KeyOutcome =
  | { readonly kind: 'found'; readonly key: KeyObject | CryptoKey }
  | { readonly kind: 'missing'; readonly log: string }
  | { readonly kind: 'failed'; readonly log: string }

/** HS, RS, PS and ES with 256, 384 and 512 bits, as Dovecot takes them; `none` is not among them. */
export const ALGORITHMS: ReadonlySet<string> = new Set(
  ['HS', 'RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((bits) => family + bits)),
)

/** Keys `AZP/ALG/KID` below a directory: PEM, or base64 for HS algorithms. */
export class KeyFiles {
  readonly #prefix: string
  readonly #needs: Pick<AuthNeeds, 'files' | 'clock'>
  readonly #known = new Map<string, { readonly outcome: KeyOutcome; readonly readAtMs: number }>()

  constructor(prefix: string, needs: Pick<AuthNeeds, 'files' | 'clock'>) {
    this.#prefix = prefix
    this.#needs = needs
  }

  async find(azp: string, algorithm: string, kid: string): Promise<KeyOutcome> {
    const names = [escapeName(azp), algorithm, escapeName(kid)]
    // A name must not lead out of the directory.
    if (names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0')))
      return { kind: 'missing', log: 'key name makes no sense' }
    const name = names.join('/')
    const known = this.#known.get(name)
    if (known !== undefined && this.#needs.clock.now() - known.readAtMs < KEY_LIMITS.keepMs) return known.outcome
    const outcome = await this.#read(name, algorithm)
    if (outcome.kind === 'found') {
      if (this.#known.size >= KEY_LIMITS.files) this.#known.clear()
      this.#known.set(name, { outcome, readAtMs: this.#needs.clock.now() })
    }
    return outcome
  }

  async #read(name: string, algorithm: string): Promise<KeyOutcome> {
    const path = this.#prefix + name
    try {
      const { size } = await this.#needs.files.stat(path)
      if (size > KEY_LIMITS.keyBytes) return { kind: 'failed', log: `key ${path} is too large` }
      const text = (await this.#needs.files.read(path)).toString('utf8')
      return { kind: 'found', key: parseKey(text, algorithm) }
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG')
        return { kind: 'missing', log: `${algorithm} key '${name}' not found` }
      return { kind: 'failed', log: `key ${path}: ${error instanceof Error ? error.message : String(error)}` }
    }
  }
}

/** Dovecot's names of keys in a dict. */
function escapeName(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2f')
}

function parseKey(text: string, algorithm: string): KeyObject {
  if (!algorithm.startsWith('HS')) return createPublicKey(text)
  const secret = Buffer.from(text.trim(), 'base64')
  if (secret.length === 0) throw new Error('the secret is empty')
  return createSecretKey(secret)
}

/** The keys of one issuer, by its OpenID configuration. */
export class KeySet {
  readonly #url: string
  readonly #http: HttpClient
  readonly #now: () => number
  #known: { readonly issuer: string; readonly keys: JSONWebKeySet; readonly readAtMs: number } | undefined
  #asking: Promise<void> | undefined
  #askedAtMs = Number.NEGATIVE_INFINITY
  #fault = ''

  constructor(url: string, http: HttpClient, now: () => number) {
    this.#url = url
    this.#http = http
    this.#now = now
  }

  /** The key that a token of `issuer` names. */
  async find(issuer: string, header: JWTHeaderParameters): Promise<KeyOutcome> {
    const isOld = this.#known === undefined || this.#now() - this.#known.readAtMs > KEY_LIMITS.keepMs
    if (isOld) await this.#refresh()
    let outcome = await this.#lookUp(issuer, header)
    if (outcome.kind === 'missing' && !isOld && this.#now() - this.#askedAtMs > KEY_LIMITS.askAgainMs) {
      await this.#refresh()
      outcome = await this.#lookUp(issuer, header)
    }
    return outcome
  }

  async #lookUp(issuer: string, header: JWTHeaderParameters): Promise<KeyOutcome> {
    // Old keys are better than none while the server is down.
    if (this.#known === undefined) return { kind: 'failed', log: this.#fault }
    if (this.#known.issuer !== issuer) return { kind: 'missing', log: `Issuer '${issuer}' is not allowed` }
    // A secret that everybody can fetch is none.
    if (header.alg.startsWith('HS')) return { kind: 'missing', log: `a key set has no ${header.alg} keys` }
    const { createLocalJWKSet, errors } = await import('jose')
    try {
      return { kind: 'found', key: await createLocalJWKSet(this.#known.keys)(header) }
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      return { kind: 'missing', log: error.message }
    }
  }

  /** Everybody who waits for keys waits for the same answer. */
  #refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<void> {
    // A server that has just failed is not asked by everybody in turn.
    if (this.#fault !== '' && this.#now() - this.#askedAtMs < 1000) return
    this.#askedAtMs = this.#now()
    try {
      const configuration = await this.#json(this.#url)
      const { issuer, jwks_uri: uri } = configuration
      if (typeof issuer !== 'string' || typeof uri !== 'string')
        throw new HttpFault(`${this.#url}: no issuer or jwks_uri`)
      const keys = await this.#json(uri)
      if (!Array.isArray(keys['keys'])) throw new HttpFault(`${uri}: no keys`)
      this.#known = { issuer, keys: keys as unknown as JSONWebKeySet, readAtMs: this.#now() }
      this.#fault = ''
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error)
    }
  }

  async #json(url: string): Promise<Record<string, unknown>> {
    const never = new AbortController().signal
    const { status, body } = await this.#http.ask({ url }, never)
    if (status !== 200) throw new HttpFault(`${url}: status ${status}`)
    const value: unknown = JSON.parse(body)
    if (typeof value !== 'object' || value === null) throw new HttpFault(`${url}: no JSON object`)
    return { ...value }
  }
}
