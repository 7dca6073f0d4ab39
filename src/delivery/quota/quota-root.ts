import { QuotaRuleError, parseQuotaRule, type QuotaRule } from './quota-rule.ts'

/** A `quota`, `quota2` ... of `plugin {}`: where usage is counted, and the rules for it. */
export interface QuotaRootSpec {
  readonly backend: 'count' | 'maildir'
  readonly name: string
  /** `ns=`: only this namespace counts. */
  readonly namespace: string | undefined
  readonly rules: readonly QuotaRule[]
  readonly grace: string
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
  return {
    backend,
    name,
    namespace: parameters.find((parameter) => parameter.startsWith('ns='))?.slice(3),
    rules: rulesOf(plugin, key, complain),
    grace: plugin.get(`${key}_grace`) ?? plugin.get('quota_grace') ?? DEFAULT_GRACE,
  }
}

function rulesOf(
  plugin: ReadonlyMap<string, string>,
  key: string,
  complain: (text: string) => void,
): readonly QuotaRule[] {
  const rules: QuotaRule[] = []
  for (let number = 1; ; number++) {
    const text = plugin.get(number === 1 ? `${key}_rule` : `${key}_rule${number}`)
    if (text === undefined) return rules
    try {
      rules.push(parseQuotaRule(text))
    } catch (error) {
      if (!(error instanceof QuotaRuleError)) throw error
      complain(error.message)
    }
  }
}
