import { isOn } from './plugin-flag.ts'
import { QuotaRuleError, parseQuotaRule, type QuotaRule } from './quota-rule.ts'
import { parseQuotaWarning, type QuotaWarning } from './quota-warning.ts'

/** A `quota`, `quota2` ... of `plugin {}`: where usage is counted, and the rules for it. */
export interface QuotaRootSpec {
  readonly backend: 'count' | 'maildir'
  readonly name: string
  /** `ns=`: only this namespace counts. */
  readonly namespace: string | undefined
  /** Not `noenforcing`: what does not fit is refused. */
  readonly isEnforced: boolean
  /** `hidden`: not told to clients. */
  readonly isHidden: boolean
  readonly rules: readonly QuotaRule[]
  /** In the order in which they are looked at. */
  readonly warnings: readonly QuotaWarning[]
  readonly grace: string
  readonly overFlag: OverFlag | undefined
}

/** `quota_over_script` and its sisters: what the userdb believes of the user, and who hears that it is wrong. */
export interface OverFlag {
  /** A socket and arguments. */
  readonly words: readonly string[]
  /** `quota_over_flag`, of the userdb. */
  readonly flag: string | undefined
  /** `quota_over_flag_value`: what the flag of a user looks like who is over quota; may hold `*` and `?`. */
  readonly value: string
  /** Looked at when the quota is first asked for, not at once. */
  readonly isLazy: boolean
}

/** Dovecot's. */
const DEFAULT_GRACE = '10%'

/**
 * The roots of a user: `quota = BACKEND:NAME[:PARAMETERS]`, with `quota_rule`, `quota_rule2` ... for the first, `quota2_rule`
 * ... for the second. Backends that count elsewhere (`dict`, `fs`, `imapc`) are complained about and left out.
 */
export function quotaRootsOf(
  plugin: ReadonlyMap<string, string>,
  complain: (text: string) => void,
): readonly QuotaRootSpec[] {
  const roots: QuotaRootSpec[] = []
  for (let number = 1; ; number++) {
    const key = number === 1 ? 'quota' : `quota${number}`
    const text = plugin.get(key)
    if (text === undefined) return roots
    const spec = text === '' ? undefined : parseRoot(plugin, key, text, complain)
    if (spec !== undefined) roots.push(spec)
  }
}

function parseRoot(
  plugin: ReadonlyMap<string, string>,
  key: string,
  text: string,
  complain: (text: string) => void,
): QuotaRootSpec | undefined {
  const [backend = '', name = '', ...parameters] = text.split(':')
  if (backend !== 'count' && backend !== 'maildir') {
    complain(`Couldn't initialize quota root ${name || backend}: Unknown quota backend: ${backend}`)
    return undefined
  }
  const rules = numbered(plugin, `${key}_rule`, parseQuotaRule, complain)
  for (const rule of rules) if (isObsolete(rule)) complain(`quota root ${name} rule for ${rule.mailbox}: ${OBSOLETE}`)
  return {
    backend,
    name,
    namespace: parameters.find((parameter) => parameter.startsWith('ns='))?.slice(3),
    isEnforced: !parameters.includes('noenforcing'),
    isHidden: parameters.includes('hidden'),
    rules,
    warnings: numbered(plugin, `${key}_warning`, parseQuotaWarning, complain),
    overFlag: overFlagOf(plugin, key),
    grace: plugin.get(`${key}_grace`) ?? plugin.get('quota_grace') ?? DEFAULT_GRACE,
  }
}

const OBSOLETE = 'limits of mailboxes are added to the limit of everything; write them with a sign'

function isObsolete({ mailbox, size, messages }: QuotaRule): boolean {
  return mailbox !== '*' && [size, messages].some((amount) => amount?.kind === 'absolute' && amount.value !== 0)
}

/** `KEY`, `KEY2` ... up to the first that is missing; what makes no sense is left out. */
function numbered<Value>(
  plugin: ReadonlyMap<string, string>,
  key: string,
  parse: (text: string) => Value,
  complain: (text: string) => void,
): readonly Value[] {
  const values: Value[] = []
  for (let number = 1; ; number++) {
    const text = plugin.get(number === 1 ? key : `${key}${number}`)
    if (text === undefined) return values
    try {
      values.push(parse(text))
    } catch (error) {
      if (!(error instanceof QuotaRuleError)) throw error
      complain(error.message)
    }
  }
}

function overFlagOf(plugin: ReadonlyMap<string, string>, key: string): OverFlag | undefined {
  const words = (plugin.get(`${key}_over_script`) ?? '').split(' ').filter((word) => word !== '')
  if (words.length === 0) return undefined
  return {
    words,
    flag: plugin.get(`${key}_over_flag`),
    value: plugin.get(`${key}_over_flag_value`) ?? '',
    isLazy: isOn(plugin.get(`${key}_over_flag_lazy_check`)),
  }
}
