/** `quota_warning`: programs that are run when usage passes a limit, upwards or (`-`) downwards. */
import type { QuotaAmount } from '../../storage/quota-hook.ts'
import { type LimitAmounts, limitFrom, parseLimits, type QuotaLimit, QuotaRuleError } from './quota-rule.ts'

export interface QuotaWarning {
  /** Told when usage comes below the limit; otherwise when it reaches it. */
  readonly isDownward: boolean
  readonly limits: LimitAmounts
  /** A socket and arguments, split at blanks. */
  readonly words: readonly string[]
}

/** `[+|-]LIMIT... SOCKET ARGUMENT...`. Throws QuotaRuleError in Dovecot's words. */
export function parseQuotaWarning(text: string): QuotaWarning {
  const blank = text.indexOf(' ')
  const words =
    blank < 0
      ? []
      : text
          .slice(blank + 1)
          .split(' ')
          .filter((word) => word !== '')
  if (words.length === 0) throw new QuotaRuleError(`Invalid warning rule: ${text}`)
  const limits = text.slice(/^[+-]/.test(text) ? 1 : 0, blank)
  return { isDownward: text.startsWith('-'), limits: parseLimits(limits, text), words }
}

/** The first warning, in the order of the configuration, whose limit lies between what was used and what is; percentages are of `base`. */
export function passedWarning(
  warnings: readonly QuotaWarning[],
  base: QuotaLimit,
  before: QuotaAmount,
  after: QuotaAmount,
): QuotaWarning | undefined {
  return warnings.find(({ isDownward, limits }) => {
    const { sizeBytes, messages } = limitFrom(limits, base)
    const [lower, upper] = isDownward ? [after, before] : [before, after]
    return isBetween(lower.sizeBytes, sizeBytes, upper.sizeBytes) || isBetween(lower.messages, messages, upper.messages)
  })
}

function isBetween(below: number, limit: number, atLeast: number): boolean {
  return limit > 0 && below < limit && atLeast >= limit
}
