/** `quota_rule`, `quota_grace`: how much of what, as Dovecot's quota plugin writes it. */
import { wildcardPattern } from '../../util/wildcard.ts'

export interface QuotaLimit {
  /** 0: none. */
  readonly sizeBytes: number
  readonly messages: number
}

/** One `quota_rule`: `MAILBOX:LIMIT...`. */
export interface QuotaRule {
  /** `*` for the limit of everything, `?` for mailboxes without a rule; may hold `*` and `?`. */
  readonly mailbox: string
  readonly ignore: boolean
  readonly size: Amount | undefined
  readonly messages: Amount | undefined
}

/** Absolute; added to the limit of everything; or a percentage of it. */
interface Amount {
  readonly kind: 'absolute' | 'added' | 'percent'
  readonly value: number
}

export class QuotaRuleError extends Error {
  override readonly name = 'QuotaRuleError'
}

const UNITS: Readonly<Record<string, number>> = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** Throws QuotaRuleError in Dovecot's words. */
export function parseQuotaRule(text: string): QuotaRule {
  const colon = text.indexOf(':')
  if (colon < 0) throw new QuotaRuleError(`Invalid rule definition '${text}': Missing limits`)
  const mailbox = text.slice(0, colon)
  if (mailbox === '') throw new QuotaRuleError(`Invalid rule definition '${text}': Missing mailbox name`)
  const rest = text.slice(colon + 1)
  if (rest === 'ignore') return { mailbox, ignore: true, size: undefined, messages: undefined }
  let size: Amount | undefined
  let messages: Amount | undefined
  for (const part of rest.split(':')) {
    const [, key = '', value = ''] = /^([a-z]+)=(.*)$/.exec(part) ?? []
    if (key === 'storage') size = parseAmount(value, UNITS['K'] ?? 1, text)
    else if (key === 'bytes') size = parseAmount(value, 1, text)
    else if (key === 'messages') messages = parseAmount(value, 1, text)
    else if (key !== 'backend') throw new QuotaRuleError(`Invalid rule definition '${text}': Unknown limit: ${part}`)
  }
  return { mailbox, ignore: false, size, messages }
}

function parseAmount(text: string, unit: number, rule: string): Amount {
  const match = /^([+-]?)(\d+)([BkKMGT%]?)$/.exec(text)
  if (match === null) throw new QuotaRuleError(`Invalid rule definition '${rule}': Invalid limit: ${text}`)
  const [, sign = '', digits = '', suffix = ''] = match
  const value = Number(digits) * (sign === '-' ? -1 : 1)
  if (suffix === '%') return { kind: 'percent', value }
  const scaled = value * (suffix === '' ? unit : (UNITS[suffix.toUpperCase()] ?? 1))
  return { kind: sign === '' ? 'absolute' : 'added', value: scaled }
}

/** What the rules allow a mailbox; `undefined` when it does not count at all. */
export function limitFor(rules: readonly QuotaRule[], mailbox: string): QuotaLimit | undefined {
  const everything = rules.findLast((rule) => rule.mailbox === '*')
  const base = { sizeBytes: everything?.size?.value ?? 0, messages: everything?.messages?.value ?? 0 }
  const own = ownRule(rules, mailbox)
  if (own?.ignore === true) return undefined
  return { sizeBytes: applied(own?.size, base.sizeBytes), messages: applied(own?.messages, base.messages) }
}

/** Messages in it are not counted. */
export function isIgnored(rules: readonly QuotaRule[], mailbox: string): boolean {
  return ownRule(rules, mailbox)?.ignore === true
}

function ownRule(rules: readonly QuotaRule[], mailbox: string): QuotaRule | undefined {
  const named = rules.filter((rule) => rule.mailbox !== '*' && rule.mailbox !== '?')
  return (
    named.find((rule) => rule.mailbox.toLowerCase() === mailbox.toLowerCase()) ??
    named.find((rule) => matches(rule.mailbox, mailbox)) ??
    rules.find((rule) => rule.mailbox === '?')
  )
}

function applied(amount: Amount | undefined, base: number): number {
  if (amount === undefined) return base
  if (amount.kind === 'absolute') return amount.value
  // Without a limit there is nothing to add to.
  if (base === 0) return 0
  return Math.max(0, amount.kind === 'added' ? base + amount.value : base + Math.trunc((base * amount.value) / 100))
}

function matches(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return false
  return wildcardPattern(pattern, 'i').test(name)
}

/** `quota_grace`: how far the last message may go beyond a limit. `10%`, `50 M`. */
export function parseGrace(text: string, limitBytes: number): number {
  const match = /^(\d+)\s*([BkKMGT%]?)$/.exec(text.trim())
  if (match === null) return 0
  const [, digits = '0', suffix = ''] = match
  if (suffix === '%') return Math.trunc((limitBytes * Number(digits)) / 100)
  return Number(digits) * (suffix === '' ? 1 : (UNITS[suffix.toUpperCase()] ?? 1))
}

/** A size setting: `30M`. */
export function parseSize(text: string): number {
  return parseGrace(text.replace('%', ''), 0)
}
