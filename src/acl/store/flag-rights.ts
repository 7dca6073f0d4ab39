// Which flags somebody's rights let him change. RFC 4314 §4.
import { ALL_SYSTEM_FLAGS, ANSWERED, DELETED, DRAFT, type FlagChange, FLAGGED, SEEN } from '../../storage/flags.ts'
import { hasLetter, type Rights } from '../rights.ts'

/** Flags that may be set and taken away. */
export interface FlagRights {
  readonly bits: number
  readonly keywords: boolean
}

export const ALL_FLAGS: FlagRights = { bits: ALL_SYSTEM_FLAGS, keywords: true }

/** `s` is \Seen, `t` is \Deleted, `w` everything else. */
export function flagRights(rights: Rights): FlagRights {
  const keywords = hasLetter(rights, 'w')
  const bits =
    (hasLetter(rights, 's') ? SEEN : 0) |
    (hasLetter(rights, 't') ? DELETED : 0) |
    (keywords ? ANSWERED | FLAGGED | DRAFT : 0)
  return { bits, keywords }
}

export function allowsAll({ bits, keywords }: FlagRights): boolean {
  return keywords && bits === ALL_SYSTEM_FLAGS
}

/**
 * What remains of a change, in steps. A replacement by who may not change everything takes away the allowed flags that are
 * not named, adds those that are, and leaves the rest alone. `keywords`: all that the mailbox has.
 */
export function allowedChanges(
  change: FlagChange,
  allowed: FlagRights,
  keywords: readonly string[],
): readonly FlagChange[] {
  if (allowsAll(allowed)) return [change]
  const kept = { bits: change.bits & allowed.bits, keywords: allowed.keywords ? change.keywords : [] }
  if (change.mode !== 'replace') return isEmpty(kept) ? [] : [{ mode: change.mode, ...kept }]
  const named = new Set(change.keywords.map((keyword) => keyword.toLowerCase()))
  const removed = {
    bits: allowed.bits & ~change.bits,
    keywords: allowed.keywords ? keywords.filter((keyword) => !named.has(keyword.toLowerCase())) : [],
  }
  const steps: FlagChange[] = []
  if (!isEmpty(removed)) steps.push({ mode: 'remove', ...removed })
  if (!isEmpty(kept)) steps.push({ mode: 'add', ...kept })
  return steps
}

function isEmpty({ bits, keywords }: { readonly bits: number; readonly keywords: readonly string[] }): boolean {
  return bits === 0 && keywords.length === 0
}
