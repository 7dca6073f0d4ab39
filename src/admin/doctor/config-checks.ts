// What a configuration that can be loaded still may do to its administrator: open doors, closed doors, settings without effect.
import type { Complaint, Config, Filter } from '../../config/config.ts'
import { checkShared } from './acl-checks.ts'
import { checkDatabases } from './database-checks.ts'
import type { Finding } from './finding.ts'
import { checkImapc } from './imapc-checks.ts'
import { checkMail } from './mail-checks.ts'
import { checkListeners } from './listener-checks.ts'
import { checkNetworks } from './network-checks.ts'
import { checkPasswords } from './password-checks.ts'
import { checkPlugins } from './plugin-checks.ts'
import { checkQuota } from './quota-checks.ts'
import { checkTls } from './tls-checks.ts'

/** One look at a configuration: what is wrong for one kind of connection. */
export type Check = (config: Config, filter: Filter) => readonly Finding[]

const CHECKS: readonly Check[] = [
  checkPasswords,
  checkTls,
  checkNetworks,
  checkDatabases,
  checkMail,
  checkPlugins,
  checkQuota,
  checkShared,
  checkImapc,
]

/**
 * Everything to tell about a configuration: what loading it complained of, and insecure or useless combinations of settings,
 * globally and for each protocol that is served. Without a configuration there are only the complaints.
 */
export function checkConfig(config: Config | undefined, complaints: readonly Complaint[]): readonly Finding[] {
  if (config === undefined) return complaints
  const filters: readonly Filter[] = [{}, ...config.settings({}).protocols.map((protocol) => ({ protocol }))]
  const findings = filters.flatMap((filter) => CHECKS.flatMap((check) => check(config, filter)))
  return withoutRepetition([...complaints, ...findings, ...checkListeners(config)])
}

/** A finding that holds for everything is not told again for a protocol. */
function withoutRepetition(findings: readonly Finding[]): readonly Finding[] {
  return [
    ...new Map(
      findings.map((finding) => [`${finding.text}\n${finding.at?.file}\n${finding.at?.line}`, finding]),
    ).values(),
  ]
}
