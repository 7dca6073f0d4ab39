// Why somebody has a right, or has it not: which line decided, and which ones lost.
import type { AclLine } from '../acl-line.ts'
import { type Step, weigh } from '../effective.ts'
import type { AclEntry } from '../entries.ts'
import { identifierText, type Viewer } from '../identifier.ts'
import {
  ALL_RIGHTS,
  letterOfRight,
  NO_RIGHTS,
  RIGHT_TABLE,
  type Rights,
  sortedRights,
  withoutRights,
} from '../rights.ts'

export type Reason =
  /** The mail is his own: he begins with everything. */
  | { readonly kind: 'owner'; readonly effect: 'gives' }
  | {
      readonly kind: 'entry'
      /** `replaces`: it gives other rights, and so not this one. `lifts`: what was taken away before it is not any more. */
      readonly effect: 'gives' | 'takes' | 'replaces' | 'lifts'
      /** With `-` when the negative part decided: `user=bob`, `-group=staff`. */
      readonly identifier: string
      readonly isGlobal: boolean
      /** Of the default object, which is asked when no entry of the mailbox applies. */
      readonly isDefault: boolean
      /** The lines, with file and number where they have them. */
      readonly lines: readonly AclLine[]
    }
  /** No entry gives it. */
  | { readonly kind: 'nothing'; readonly effect: 'replaces' }

export interface RightVerdict {
  readonly right: string
  readonly letter: string | undefined
  readonly isGranted: boolean
  readonly decided: Reason
  /** What would have made it otherwise, weakest first. */
  readonly lost: readonly Reason[]
}

export interface Explanation {
  readonly rights: Rights
  /** Where the entries came from that applied. */
  readonly source: 'mailbox' | 'default' | 'none'
  /** The eleven rights in the order of MYRIGHTS, then named ones that somebody gives. */
  readonly verdicts: readonly RightVerdict[]
}

/** Explains the rights that `effectiveRights` finds. */
export function explainRights(
  entries: readonly AclEntry[],
  defaults: readonly AclEntry[],
  viewer: Viewer,
): Explanation {
  const own = [...weigh(entries, viewer)]
  const isOwn = own.length > 0 || viewer.isOwner
  const steps = isOwn ? own : [...weigh(defaults, viewer)]
  const source = isOwn ? 'mailbox' : steps.length > 0 ? 'default' : 'none'
  const last = steps.at(-1)
  const given = last?.given ?? (viewer.isOwner ? ALL_RIGHTS : NO_RIGHTS)
  const rights = withoutRights(given, last?.taken ?? NO_RIGHTS)
  const named = new Set(
    steps.flatMap(({ entry }) => [...(entry.rights ?? [])]).filter((right) => !ALL_RIGHTS.has(right)),
  )
  const asked = [...RIGHT_TABLE.map(({ name }) => name), ...sortedRights(named)]
  return {
    rights,
    source,
    verdicts: asked.map((right) => verdictOn(right, steps, { viewer, isDefault: source === 'default', rights })),
  }
}

interface Context {
  readonly viewer: Viewer
  readonly isDefault: boolean
  readonly rights: Rights
}

function verdictOn(right: string, steps: readonly Step[], { viewer, isDefault, rights }: Context): RightVerdict {
  const reasons: Reason[] = viewer.isOwner ? [{ kind: 'owner', effect: 'gives' }] : []
  let before: Pick<Step, 'given' | 'taken'> = { given: viewer.isOwner ? ALL_RIGHTS : undefined, taken: NO_RIGHTS }
  for (const step of steps) {
    for (const effect of effectsOn(right, before, step)) reasons.push(entryReason(step.entry, effect, isDefault))
    before = step
  }
  const isGranted = rights.has(right)
  const decided = reasons.findLast(({ effect }) => decides(effect, isGranted, before.taken.has(right)))
  const lost = reasons.filter(
    (reason) => reason !== decided && isGranted !== (reason.effect === 'gives' || reason.effect === 'lifts'),
  )
  return {
    right,
    letter: letterOfRight(right),
    isGranted,
    decided: decided ?? { kind: 'nothing', effect: 'replaces' },
    lost,
  }
}

type Effect = 'gives' | 'takes' | 'replaces' | 'lifts'

function effectsOn(
  right: string,
  before: Pick<Step, 'given' | 'taken'>,
  { entry, given, taken }: Step,
): readonly Effect[] {
  const effects: Effect[] = []
  if (entry.rights?.has(right) === true) effects.push('gives')
  else if (before.given?.has(right) === true && given?.has(right) !== true) effects.push('replaces')
  if (entry.negative?.has(right) === true) effects.push('takes')
  else if (before.taken.has(right) && !taken.has(right)) effects.push('lifts')
  return effects
}

function decides(effect: Effect, isGranted: boolean, isTaken: boolean): boolean {
  if (isGranted) return effect === 'gives'
  return isTaken ? effect === 'takes' : effect === 'replaces'
}

function entryReason(entry: AclEntry, effect: Effect, isDefault: boolean): Reason {
  const isNegative = effect === 'takes'
  const lines = entry.lines.filter((line) => line.isNegative === isNegative)
  return {
    kind: 'entry',
    effect,
    identifier: `${isNegative ? '-' : ''}${identifierText(entry.identifier)}`,
    isGlobal: entry.isGlobal,
    isDefault,
    lines: lines.length > 0 ? lines : entry.lines,
  }
}

/** A reason in words: `user=bob gives it (/mail/.Work/dovecot-acl line 3)`. */
export function reasonText(reason: Reason): string {
  if (reason.kind === 'owner') return 'the owner has every right'
  if (reason.kind === 'nothing') return 'no entry gives it'
  const verb = {
    gives: 'gives it',
    takes: 'takes it away',
    replaces: 'gives others instead',
    lifts: 'lifts what took it away',
  }
  const places = reason.lines.flatMap(({ origin }) => (origin === undefined ? [] : [placeText(origin)]))
  const where = [reason.isGlobal ? 'global' : '', reason.isDefault ? 'default' : '', ...new Set(places)].filter(
    (word) => word !== '',
  )
  return `${reason.identifier} ${verb[reason.effect]}${where.length > 0 ? ` (${where.join(', ')})` : ''}`
}

function placeText({ path, line, pattern }: NonNullable<AclLine['origin']>): string {
  return `${path}${line > 0 ? ` line ${line}` : ', which may not be read'}${pattern === undefined ? '' : ` for ${pattern}`}`
}
