import type { Config, Filter } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** What of Dovecot's shared mailboxes Postern does not do. */
export function checkShared(config: Config, filter: Filter): readonly Finding[] {
  return config
    .namespaces(filter)
    .filter(({ disabled, location }) => !disabled && /:INDEXPVT=/.test(location))
    .map(({ prefix }) => ({
      severity: 'warning',
      text: `namespace with prefix '${prefix}': INDEXPVT has no effect, \\Seen is the same for all who share a mailbox`,
    }))
}
