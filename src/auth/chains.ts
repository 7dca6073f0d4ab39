// The chains of each service, from the configuration.
import type { Complaint, Config } from '../config/config.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { BlockOpener, PassdbBlock, UserdbBlock } from './blocks.ts'
import { type AuthSettings, authSettings } from './settings.ts'

/** What one service's logins and lookups go through. */
export interface ServiceChains {
  readonly settings: AuthSettings
  readonly passdbs: readonly PassdbBlock[]
  readonly masterdbs: readonly PassdbBlock[]
  readonly userdbs: readonly UserdbBlock[]
}

/** Opens the databases of a service, in the words of `Config.passdbs`. Complaints go to the opener's list. */
export function openChains(config: Config, service: string | undefined, opener: BlockOpener): ServiceChains {
  const blocks = config.passdbs(service)
  const listed = blocks.filter(({ master }) => !master)
  // Nobody is authenticated before the first: Dovecot leaves these out.
  const normal = listed.slice(listed.findIndex(({ skip }) => skip !== 'unauthenticated') >>> 0)
  const master = blocks.filter((block) => block.master)
  const last = normal.at(-1)
  if (last?.pass === true)
    opener.complaints.push({ severity: 'error', text: "Last passdb can't have pass=yes", at: last.at })
  for (const { deny, pass, at } of master) {
    if (deny) opener.complaints.push({ severity: 'error', text: "Master passdb can't have deny=yes", at })
    if (pass && normal.length === 0) {
      opener.complaints.push({
        severity: 'error',
        text: "Master passdb can't have pass=yes if there are no passdbs",
        at,
      })
    }
  }
  return {
    settings: authSettings(config.settings(service === undefined ? {} : { protocol: service })),
    passdbs: normal.map((block) => opener.passdb(block)).filter((block) => block !== undefined),
    masterdbs: master.map((block) => opener.passdb(block)).filter((block) => block !== undefined),
    userdbs: openUserdbs(config, service, opener),
  }
}

/** Without any userdb every user has the same fields: none. */
function openUserdbs(config: Config, service: string | undefined, opener: BlockOpener): readonly UserdbBlock[] {
  const blocks = config.userdbs(service)
  const settings = blocks.length > 0 ? blocks : [noUserdb(config.path)]
  return settings.map((block) => opener.userdb(block)).filter((block) => block !== undefined)
}

function noUserdb(file: string): Parameters<BlockOpener['userdb']>[0] {
  return {
    name: '',
    driver: 'static',
    args: '',
    default_fields: '',
    override_fields: '',
    skip: 'never',
    result_success: 'return-ok',
    result_failure: 'continue',
    result_internalfail: 'continue',
    auth_verbose: 'default',
    at: { file, line: 0 },
  }
}

/** Mechanisms that Dovecot has, with other software's help, and this server does not. */
const FOREIGN = new Set(['GSSAPI', 'GSS-SPNEGO', 'NTLM', 'RPA', 'SKEY', 'DOVECOT-TOKEN', 'LANMAN', 'OTP'])

/** `auth_mechanisms`, in their order, as far as they are there and the passdbs can serve them. */
export function openMechanisms(
  names: readonly string[],
  chains: ServiceChains,
  find: (name: string) => SaslMechanism | undefined,
  complaints: Complaint[],
): readonly SaslMechanism[] {
  const complain = (text: string, severity: 'error' | 'warning' = 'error'): void =>
    void complaints.push({ severity, text })
  if (names.length === 0) complain('No authentication mechanisms configured')
  const mechanisms: SaslMechanism[] = []
  for (const name of names.map((word) => word.toUpperCase())) {
    const mechanism = find(name)
    if (mechanism === undefined && FOREIGN.has(name)) complain(`${name} mechanism is not supported`, 'warning')
    else if (mechanism === undefined) complain(`Unknown authentication mechanism '${name}'`)
    else if (mechanism.needs !== 'nothing' && chains.passdbs.length === 0) {
      complain(`No passdbs specified in configuration file. ${name} mechanism needs one`)
    } else if (!canServe(mechanism, chains)) complain(`${name} mechanism can't be supported with given passdbs`)
    else mechanisms.push(mechanism)
  }
  return mechanisms
}

function canServe({ needs }: SaslMechanism, { passdbs }: ServiceChains): boolean {
  switch (needs) {
    case 'credentials':
      return passdbs.some(({ database }) => database.lookup !== undefined)
    case 'verify':
    case 'token':
    case 'external':
      return passdbs.some(({ database }) => database.lookup !== undefined || database.verify !== undefined)
    default:
      return true
  }
}
