import { assertNever } from '../util/assert-never.ts'

/** What a passdb found out. */
export type PassdbResult =
  | 'ok'
  /** `noauthenticate`: fields were added, nothing was decided. */
  | 'next'
  | 'user-unknown'
  | 'password-mismatch'
  /** Found in a deny passdb, or by a database that says so. */
  | 'user-disabled'
  | 'password-expired'
  /** The stored password cannot serve the mechanism. */
  | 'scheme-not-available'
  | 'internal-failure'

export type UserdbResult = 'ok' | 'user-unknown' | 'internal-failure'

export type ResultRule = 'return-ok' | 'return' | 'return-fail' | 'continue' | 'continue-ok' | 'continue-fail'

/** `result_success`, `result_failure` and `result_internalfail` of a block. */
export interface ResultRules {
  readonly success: ResultRule
  readonly failure: ResultRule
  readonly internalFailure: ResultRule
}

/** What a chain knows so far. */
export interface ChainState {
  /** The login (or lookup) has succeeded, as things stand. */
  readonly success: boolean
  /** A password was verified: the databases that follow need not. */
  readonly authenticated: boolean
}

export function ruleFor(result: PassdbResult | UserdbResult, rules: ResultRules): ResultRule {
  if (result === 'ok') return rules.success
  if (result === 'internal-failure') return rules.internalFailure
  return result === 'next' ? 'continue' : rules.failure
}

/** What a rule makes of the state, and whether the next database is asked. */
export function applyRule(
  rule: ResultRule,
  isOk: boolean,
  { success, authenticated }: ChainState,
): ChainState & { readonly continues: boolean } {
  switch (rule) {
    case 'return':
      return { success, authenticated, continues: false }
    case 'return-ok':
      return { success: true, authenticated, continues: false }
    case 'return-fail':
      return { success: false, authenticated, continues: false }
    case 'continue':
      return { success, authenticated: authenticated || isOk, continues: true }
    case 'continue-ok':
      return { success: true, authenticated: true, continues: true }
    case 'continue-fail':
      return { success: false, authenticated, continues: true }
    default:
      return assertNever(rule)
  }
}
