import type { Config, Filter, Settings } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** A finding that points at the setting it is about. */
export function about(
  config: Config,
  filter: Filter,
  setting: keyof Settings,
  severity: Finding['severity'],
  text: string,
): Finding {
  const at = config.origin(setting, filter)
  return at === undefined ? { severity, text } : { severity, text, at }
}
