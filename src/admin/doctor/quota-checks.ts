import type { Config, Filter } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** What of Dovecot's quota plugin Postern does not do. */
export function checkQuota(config: Config, filter: Filter): readonly Finding[] {
  if (!config.settings(filter).mail_plugins.includes('quota')) return []
  const findings: Finding[] = []
  for (const [key, value] of config.plugin(filter)) {
    if (/^quota\d*_warning\d*$/.test(key) && value !== '')
      findings.push({
        severity: 'warning',
        text: `plugin { ${key} } has no effect: no script is run when a quota fills up`,
      })
    if (/^quota\d*$/.test(key) && /^(dict|fs|imapc)\b/.test(value))
      findings.push({
        severity: 'warning',
        text: `plugin { ${key} = ${value} }: this backend is not there, nothing is limited by it`,
      })
  }
  return findings
}
