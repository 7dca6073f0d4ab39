// The passdb chain: which databases are asked, in which order, and what their answers add up to. The rules are Dovecot's.
import type { SaslCredentials } from '../sasl/mechanism.ts'
import type { Secret } from '../util/secret.ts'
import { assertNever } from '../util/assert-never.ts'
import type { Soon } from '../util/soon.ts'
import { askPassdb } from './ask-passdb.ts'
import type { PassdbBlock } from './blocks.ts'
import type { PassdbAnswer } from './judge-password.ts'
import type { AuthRequest } from './request.ts'
import { applyRule, type PassdbResult, ruleFor } from './result-rule.ts'
import { usernameAccepted } from './username-filter.ts'

/** The passdbs of one service. */
export interface PassdbChain {
  readonly passdbs: readonly PassdbBlock[]
  readonly masterdbs: readonly PassdbBlock[]
}

/** What is wanted of the databases. */
export type Want =
  | { readonly kind: 'verify'; readonly password: Secret }
  /** Credentials in one of these schemes, for a challenge mechanism. */
  | { readonly kind: 'credentials'; readonly schemes: readonly string[] }
  /** Fields only, no login. */
  | { readonly kind: 'lookup' }

export interface ChainOutcome {
  readonly result: PassdbResult
  readonly credentials?: SaslCredentials | undefined
}

/** What earlier databases of the chain leave behind. */
interface Memory {
  unknown: boolean
  internalFailure: boolean
  /** Credentials of a database that was not the last. */
  credentials: SaslCredentials | undefined
}

/** Asks the databases: at once as long as they answer at once. A login also needs `request.success`. */
export function runPassdbChain(
  request: AuthRequest,
  chain: PassdbChain,
  want: Want,
  signal: AbortSignal,
): Soon<ChainOutcome> {
  return new ChainRun(request, chain, want, signal).start()
}

/** One way through the chain: where it stands, and what was learnt on it. */
class ChainRun {
  readonly #request: AuthRequest
  readonly #chain: PassdbChain
  readonly #want: Want
  readonly #signal: AbortSignal
  readonly #memory: Memory = { unknown: false, internalFailure: false, credentials: undefined }
  #blocks: readonly PassdbBlock[]
  #at: number | undefined

  constructor(request: AuthRequest, chain: PassdbChain, want: Want, signal: AbortSignal) {
    this.#request = request
    this.#chain = chain
    this.#want = want
    this.#signal = signal
    this.#blocks = request.loginUser === undefined ? chain.passdbs : chain.masterdbs
    this.#at = nextEligible(request, this.#blocks, 0)
  }

  start(): Soon<ChainOutcome> {
    if (this.#at !== undefined) return this.#run()
    this.#request.logLogin('error', 'All password databases were skipped')
    return { result: 'internal-failure' }
  }

  #run(): Soon<ChainOutcome> {
    for (;;) {
      const answer = this.#ask()
      if (answer instanceof Promise) return this.#goOn(answer)
      const outcome = this.#take(answer)
      if (outcome !== undefined) return outcome
    }
  }

  async #goOn(answer: Promise<PassdbAnswer>): Promise<ChainOutcome> {
    return this.#take(await answer) ?? (await this.#run())
  }

  get #block(): PassdbBlock {
    const block = this.#at === undefined ? undefined : this.#blocks[this.#at]
    if (block === undefined) throw new Error('passdb chain ran past its end')
    return block
  }

  #ask(): Soon<PassdbAnswer> {
    const hasNext = (this.#at ?? 0) + 1 < this.#blocks.length
    const hasCredentials = this.#memory.credentials !== undefined
    return askPassdb(this.#request, this.#block, this.#want, hasNext, hasCredentials, this.#signal)
  }

  /** What an answer means for the chain; `undefined`: the next database is to be asked. */
  #take(answer: PassdbAnswer): ChainOutcome | undefined {
    const request = this.#request
    const block = this.#block
    const judged = judge(request, block, answer.result)
    if (judged.stops) return { result: judged.result }
    const { result } = judged
    const effect = applyRule(ruleFor(result, block.rules), result === 'ok', request)
    request.success = effect.success
    request.authenticated = effect.authenticated
    if (finishMaster(request, result)) {
      this.#blocks = this.#chain.passdbs
      this.#at = nextEligible(request, this.#blocks, 0)
    } else {
      this.#at = nextEligible(request, this.#blocks, (this.#at ?? 0) + 1)
    }
    keepOrRollBack(request, result)
    if (!effect.continues || this.#at === undefined) return conclude(request, result, answer, this.#memory, this.#want)
    remember(request, result, answer, this.#memory)
    return undefined
  }
}

/** Deny lists, refusing fields, and results that no rule applies to. */
function judge(
  request: AuthRequest,
  block: PassdbBlock,
  result: PassdbResult,
): { result: PassdbResult; stops: boolean } {
  if (block.settings.deny && result !== 'user-unknown') {
    // A deny list that cannot be read refuses everybody, for now.
    if (result === 'internal-failure') return { result, stops: true }
    request.logDatabase('info', 'User found from deny passdb')
    return { result: 'user-disabled', stops: true }
  }
  const hasRefused = request.failed
  request.failed = false
  if (hasRefused && result === 'ok') return { result: 'user-unknown', stops: false }
  if (result === 'password-expired') request.fields.add('reason', 'Password expired', 'passdb')
  return { result, stops: result === 'user-disabled' || result === 'password-expired' }
}

/** A master's password was right: from here on the target is the user. True when the normal passdbs are next. */
function finishMaster(request: AuthRequest, result: PassdbResult): boolean {
  if (request.loginUser === undefined || result !== 'ok') return false
  request.logDatabase('info', `Master user logging in as ${request.loginUser}`)
  request.masterUser = request.user
  request.user = request.loginUser
  request.loginUser = undefined
  return true
}

function keepOrRollBack(request: AuthRequest, result: PassdbResult): void {
  // They count for their own database only.
  request.fields.remove('nopassword')
  request.fields.remove('noauthenticate')
  request.trace?.fields(request.fields)
  if (request.userdbFields !== undefined) request.trace?.fields(request.userdbFields, 'userdb_')
  if (result === 'ok' || result === 'next') {
    request.fields.snapshot()
    request.userdbFields?.snapshot()
    request.prefetchedBefore = request.prefetched
  } else {
    request.trace?.note(`${result}: the fields of this database do not count`)
    request.fields.rollback()
    request.userdbFields?.rollback()
    request.prefetched = request.prefetchedBefore
  }
}

function conclude(
  request: AuthRequest,
  result: PassdbResult,
  answer: PassdbAnswer,
  memory: Memory,
  want: Want,
): ChainOutcome {
  const credentials = answer.credentials ?? memory.credentials
  if (result === 'next') {
    request.logDatabase('error', 'Last passdb had noauthenticate field, cannot authenticate user')
    return { result: 'internal-failure' }
  }
  if (request.success) return { result: 'ok', credentials }
  // A database that failed may have had the right password.
  if (memory.internalFailure) return { result: 'internal-failure' }
  if (result === 'scheme-not-available' && memory.unknown && want.kind !== 'verify') return { result: 'user-unknown' }
  return { result, credentials }
}

function remember(request: AuthRequest, result: PassdbResult, answer: PassdbAnswer, memory: Memory): void {
  if (result === 'user-unknown') memory.unknown = true
  else if (result === 'internal-failure') memory.internalFailure = true
  if (request.authenticated) memory.credentials ??= answer.credentials
}

function nextEligible(request: AuthRequest, blocks: readonly PassdbBlock[], from: number): number | undefined {
  for (let at = from; at < blocks.length; at++) {
    const block = blocks[at]
    if (block !== undefined && isEligible(request, block)) return at
  }
  return undefined
}

function isEligible(request: AuthRequest, { mechanisms, settings }: PassdbBlock): boolean {
  if (mechanisms !== undefined && !mechanisms.has(request.mechanism ?? 'NONE'))
    return isSkipped(request, 'mechanism filtered')
  if (settings.username_filter.length > 0 && !usernameAccepted(request.user, settings.username_filter)) {
    return isSkipped(request, 'username filtered')
  }
  switch (settings.skip) {
    case 'never':
      return true
    case 'authenticated':
      return !request.authenticated
    case 'unauthenticated':
      return request.authenticated
    default:
      return assertNever(settings.skip)
  }
}

function isSkipped(request: AuthRequest, why: string): false {
  request.logLogin('debug', `skipping passdb: ${why}`)
  return false
}
