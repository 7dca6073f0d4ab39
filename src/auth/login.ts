import type { SaslAuth, SaslCredentials, SaslIdentity } from '../sasl/mechanism.ts'
import { Secret } from '../util/secret.ts'
import { andThen, type Soon } from '../util/soon.ts'
import { decoyFor } from './decoy.ts'
import { assignIdentity } from './identity.ts'
import { type ChainOutcome, type PassdbChain, runPassdbChain } from './passdb-chain.ts'
import type { Policy } from './policy/policy.ts'
import type { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'
import { verifyDummy } from './schemes/index.ts'

/** What a mechanism gets for its question, and gives back. */
export type Verdict = { readonly kind: 'success' } | { readonly kind: 'failure'; readonly result: PassdbResult }

const SUCCESS: Verdict = { kind: 'success' }
const REFUSED_BY_POLICY: ChainOutcome = { result: 'password-mismatch' }

/** Services whose users cannot be nobody in particular. */
const NO_ANONYMOUS: ReadonlySet<string> = new Set(['submission', 'sieve'])

/** One login: what the SASL mechanism asks becomes questions to the passdb chain. */
export class Login implements SaslAuth<Verdict> {
  readonly #request: AuthRequest
  readonly #chain: PassdbChain
  readonly #signal: AbortSignal
  /** Asked before the databases. */
  readonly #policy: Policy | undefined
  /** Who the request's user is made of. */
  #assigned: SaslIdentity | undefined

  constructor(request: AuthRequest, chain: PassdbChain, signal: AbortSignal, policy?: Policy) {
    this.#request = request
    this.#chain = chain
    this.#signal = signal
    this.#policy = policy?.checksBefore === true ? policy : undefined
  }

  refuseName(identity: SaslIdentity): Verdict | undefined {
    const refused = this.#assign(identity)
    return refused && failure(refused)
  }

  verifyPlain(identity: SaslIdentity, password: Secret): Soon<Verdict> {
    const request = this.#request
    request.password = password
    const refused = this.#assign(identity)
    if (refused !== undefined) return refused === 'user-unknown' ? this.#unknown(password) : failure(refused)
    if (hasIllegalBytes(password.reveal())) {
      request.logLogin('info', 'Attempted login with password having illegal chars')
      return this.#unknown(password)
    }
    const outcome =
      this.#policy === undefined
        ? this.#ask(password)
        : this.#policy
            .allows(request, 'before', this.#signal)
            .then((allowed) => (allowed ? this.#ask(password) : REFUSED_BY_POLICY))
    return andThen(outcome, ({ result }) =>
      result === 'user-unknown' ? this.#unknown(password) : this.#verdict(result),
    )
  }

  #ask(password: Secret): Soon<ChainOutcome> {
    return runPassdbChain(this.#request, this.#chain, { kind: 'verify', password }, this.#signal)
  }

  verifyToken(identity: SaslIdentity, token: Secret): Soon<Verdict> {
    return this.verifyPlain(identity, token)
  }

  /** EXTERNAL has no password: only `nopassword` lets it in. */
  verifyExternal(identity: SaslIdentity): Soon<Verdict> {
    return this.verifyPlain(identity, new Secret(''))
  }

  async lookupCredentials(
    identity: SaslIdentity,
    schemes: readonly string[],
  ): Promise<{ kind: 'found'; credentials: SaslCredentials } | { kind: 'refused'; verdict: Verdict }> {
    const refused = this.#assign(identity)
    if (refused !== undefined)
      return { kind: 'refused', verdict: failure(refused), ...decoyFor(refused, this.#request) }
    if (this.#policy !== undefined && !(await this.#policy.allows(this.#request, 'before', this.#signal)))
      return { kind: 'refused', verdict: failure('password-mismatch') }
    const outcome = await runPassdbChain(this.#request, this.#chain, { kind: 'credentials', schemes }, this.#signal)
    if (outcome.result === 'ok' && outcome.credentials !== undefined)
      return { kind: 'found', credentials: outcome.credentials }
    const result = outcome.result === 'ok' ? 'scheme-not-available' : outcome.result
    return { kind: 'refused', verdict: failure(result), ...decoyFor(result, this.#request) }
  }

  accept(): Promise<Verdict> {
    return Promise.resolve(this.#verdict('ok'))
  }

  reject(_identity: SaslIdentity, why: 'wrong-proof' | 'malformed', detail?: string): Promise<Verdict> {
    this.#request.logLogin('info', why === 'wrong-proof' ? 'Password mismatch' : (detail ?? 'invalid input'))
    return Promise.resolve(failure('password-mismatch'))
  }

  anonymous(trace: string): Promise<Verdict> {
    const request = this.#request
    if (NO_ANONYMOUS.has(request.connection.service)) {
      request.logLogin('info', `anonymous login is not possible for ${request.connection.service}`)
      return Promise.resolve(failure('user-disabled'))
    }
    // The line names who came as what they say they are.
    request.user = trace
    request.logLogin('info', 'login')
    request.user = request.settings.anonymousUser
    request.originalUser ??= request.user
    request.fields.add('anonymous', '', 'ANONYMOUS')
    request.success = true
    return Promise.resolve(SUCCESS)
  }

  isSuccess(verdict: Verdict): boolean {
    return verdict.kind === 'success'
  }

  /** Makes the request's user of it. Returns why that is not possible, if so: settings that cannot be are nobody's fault. */
  #assign(identity: SaslIdentity): 'user-unknown' | 'internal-failure' | undefined {
    if (this.#assigned === identity) return undefined
    const fault = assignIdentity(this.#request, this.#chain, identity)
    if (fault === undefined) {
      this.#assigned = identity
      return undefined
    }
    this.#request.logLogin(fault.level, fault.text)
    return fault.level === 'error' ? 'internal-failure' : 'user-unknown'
  }

  /** An unknown user costs the time that a known one costs. */
  async #unknown(password: Secret): Promise<Verdict> {
    const [first] = this.#chain.passdbs
    if (this.#request.verified || first === undefined) return failure('user-unknown')
    const outcome = await verifyDummy({ defaultScheme: first.database.defaultScheme, password })
    return failure(outcome.kind === 'unavailable' ? 'internal-failure' : 'user-unknown')
  }

  /** The last database may have been right without the chain having succeeded. */
  #verdict(result: PassdbResult): Verdict {
    if (result !== 'ok') return failure(result)
    return this.#request.success ? SUCCESS : failure('password-mismatch')
  }
}

function failure(result: PassdbResult): Verdict {
  return { kind: 'failure', result }
}

/** Dovecot refuses passwords with 0x01, TAB, CR and LF; NUL would end them in most databases. */
function hasIllegalBytes(password: Buffer): boolean {
  for (const byte of password) if (byte <= 13 && ILLEGAL.has(byte)) return true
  return false
}

const ILLEGAL: ReadonlySet<number> = new Set([0, 1, 9, 10, 13])
