import type { AuthOutcome, AuthRefusal, AuthStep, PassdbLookup } from '../../auth/auth.ts'

/** Everything `auth explain` found out about a user: plain data, secrets masked. */
export interface Explanation {
  readonly user: string
  readonly service: string
  /** With a password it was a login, without one a lookup. */
  readonly login: boolean
  readonly client: string
  readonly server: string
  readonly steps: readonly ExplainedStep[]
  readonly outcome: ExplainedOutcome
  /** Undefined when the databases let nobody in. */
  readonly route?: ExplainedRoute
}

export interface ExplainedStep {
  readonly part: string
  /** `FILE:LINE` of the block in the configuration. */
  readonly at?: string
  /** What was done and found, line by line. */
  readonly notes: readonly string[]
  readonly fields: readonly ExplainedField[]
}

export interface ExplainedField {
  readonly name: string
  readonly value: string
  /** A column, a file's line, a template. */
  readonly from: string
}

export interface ExplainedOutcome {
  readonly kind: 'accepted' | 'found' | 'unknown' | 'refused' | 'temporary'
  readonly text: string
}

/** Where the session goes. */
export interface ExplainedRoute {
  readonly kind: 'proxy' | 'local' | 'refuse' | 'broken'
  readonly text: string
  /** Name and value: host, address, port, TLS, credentials ... */
  readonly details: readonly (readonly [name: string, value: string])[]
  /** What a backend that offers everything would be sent; `(password)` stands for the password. */
  readonly sent: readonly string[]
}

export function explainSteps(steps: readonly AuthStep[]): readonly ExplainedStep[] {
  return steps.map(({ part, at, text, fields }) => {
    const place = at === undefined ? undefined : `${at.file}:${at.line}`
    return {
      part,
      ...(place !== undefined && { at: place }),
      notes: text === '' ? [] : text.split('\n'),
      fields: [...(fields ?? [])].map(([name, { value, from }]) => ({ name, value, from: sourceOf(from, place) })),
    }
  })
}

/** `args` alone would not say whose. */
function sourceOf(from: string, place: string | undefined): string {
  return from === 'args' && place !== undefined ? `args, ${place}` : from
}

export function explainOutcome(outcome: AuthOutcome | PassdbLookup): ExplainedOutcome {
  switch (outcome.kind) {
    case 'ok':
      return { kind: 'accepted', text: `The databases let ${outcome.user} in.` }
    case 'found':
      return { kind: 'found', text: `The databases know ${outcome.user}; no password was checked.` }
    case 'unknown':
      return { kind: 'unknown', text: 'The databases do not know this user, or refuse lookups of it.' }
    case 'refused':
      return explainRefusal(outcome.why)
  }
}

function explainRefusal(why: AuthRefusal): ExplainedOutcome {
  switch (why.kind) {
    case 'temporary':
      return { kind: 'temporary', text: 'A database failed: the client is told to try again later.' }
    case 'nologin':
      return { kind: 'refused', text: `The password is right, but nologin is set${reasonOf(why)}.` }
    case 'referral':
      return { kind: 'refused', text: `The client is referred to ${why.host}${reasonOf(why)}.` }
    case 'failed':
      return { kind: 'refused', text: `The login fails, as with a wrong password${reasonOf(why)}.` }
    default:
      return { kind: 'refused', text: `The login is refused: ${why.kind}.` }
  }
}

function reasonOf({ reason }: { readonly reason?: string }): string {
  return reason === undefined ? '' : ` (reason: ${reason})`
}
