/** `quota_rule`, `quota_grace`: how much of what, as Dovecot's quota plugin writes it. */
import { wildcardPattern } from '../../util/wildcard.ts'

export interface QuotaLimit {
  /** 0: none. */
  readonly sizeBytes: number
  readonly messages: number
}

/** Limits as they are written. */
export interface LimitAmounts {
  readonly size: Amount | undefined
  readonly messages: Amount | undefined
}

/** One `quota_rule`: `MAILBOX:LIMIT...`. */
export interface QuotaRule extends LimitAmounts {
  /** `*` for the limit of everything, `?` for mailboxes without a rule; may hold `*` and `?`. */
  readonly mailbox: string
  readonly ignore: boolean
}

/** Written without a sign; with one; or a percentage. */
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
  return { mailbox, ignore: false, ...parseLimits(rest, text) }
}

/** `storage=SIZE:bytes=N:messages=N`. `rule` is named in complaints. Throws QuotaRuleError. */
export function parseLimits(text: string, rule: string): LimitAmounts {
  let size: Amount | undefined
  let messages: Amount | undefined
  for (const part of text.split(':')) {
    const [, key = '', value = ''] = /^([a-z]+)=(.*)$/.exec(part) ?? []
    if (key === 'storage') size = parseAmount(value, UNITS['K'] ?? 1, rule)
    else if (key === 'bytes') size = parseAmount(value, 1, rule)
    else if (key === 'messages') messages = parseAmount(value, 1, rule)
    else if (key !== 'backend') throw new QuotaRuleError(`Invalid rule definition '${rule}': Unknown limit: ${part}`)
  }
  return { size, messages }
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
  if (own === undefined) return base
  return { sizeBytes: raised(base.sizeBytes, own.size), messages: raised(base.messages, own.messages) }
}

/** Limits on their own, some of which are parts of others; 0 where nothing is said. */
export function limitFrom({ size, messages }: LimitAmounts, base: QuotaLimit): QuotaLimit {
  return { sizeBytes: partOf(base.sizeBytes, size), messages: partOf(base.messages, messages) }
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

/** Rules of mailboxes are about the difference to the limit of everything, also without a sign, as in Dovecot. */
function raised(base: number, amount: Amount | undefined): number {
  // Without a limit there is nothing to add to.
  if (amount === undefined || base === 0) return base
  return Math.max(0, amount.kind === 'percent' ? base + percent(base, amount) : base + amount.value)
}

function partOf(base: number, amount: Amount | undefined): number {
  if (amount === undefined) return 0
  return amount.kind === 'percent' ? percent(base, amount) : amount.value
}

function percent(base: number, { value }: Amount): number {
  return Math.trunc((base * value) / 100)
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
