import { ExpandError } from '../../config/expand.ts'
import type { Secret } from '../../util/secret.ts'
import { compileLate } from '../field-template.ts'
import { fieldsFrom } from '../ldap/attributes.ts'
import { LdapError } from '../ldap/connection.ts'
import { findEntry, type LdapDatabase, openLdapDatabase } from '../ldap/database.ts'
import { escapeLdap } from '../ldap/escape.ts'
import type { DatabaseRequest, Passdb, PassdbDriver, PassdbReply, VerifyReply } from './passdb.ts'

/** `ldap`: `pass_filter` and `pass_attrs` of an ext file; the password is compared, or tried in a bind (`auth_bind`). */
export const ldapPassdb = {
  name: 'ldap',
  open(path, needs): Passdb {
    const database = openLdapDatabase(path, needs)
    const { settings, directory } = database
    return {
      defaultScheme: settings.default_pass_scheme,
      cacheKey: settings.base + settings.pass_attrs + settings.pass_filter + settings.auth_bind_userdn,
      lookup: (request) => lookUp(database, request, true),
      ...(settings.auth_bind && {
        verify: (request, password) => verify(database, request, password),
      }),
      warm: () => directory.warm(),
      check: () => directory.check(),
      close: () => Promise.resolve(directory.close()),
    }
  },
} as const satisfies PassdbDriver

async function lookUp(database: LdapDatabase, request: DatabaseRequest, withPassword: boolean): Promise<PassdbReply> {
  const outcome = await findEntry(database, database.passQuery, request)
  if (outcome.kind !== 'found') return missed(outcome, request)
  return { kind: 'found', fields: fieldsOf(database, outcome.entries, request, withPassword) }
}

function missed(outcome: { kind: 'unknown' } | { kind: 'failed'; log: string }, request: DatabaseRequest): PassdbReply {
  if (outcome.kind === 'failed') return { kind: 'internal-failure', log: outcome.log }
  request.logUnknownUser()
  return { kind: 'unknown' }
}

function fieldsOf(
  { passQuery }: LdapDatabase,
  entries: Parameters<typeof fieldsFrom>[1],
  request: DatabaseRequest,
  withPassword: boolean,
): ReturnType<typeof fieldsFrom> {
  const fields = fieldsFrom(passQuery.attributes, entries, (text) => request.logDatabase('warning', text))
  return withPassword ? fields : fields.filter(({ name }) => !/^password(_noscheme)?(:protected)?$/.test(name))
}

async function verify(database: LdapDatabase, request: DatabaseRequest, password: Secret): Promise<VerifyReply> {
  const { settings } = database
  if (settings.auth_bind_userdn === '') {
    const outcome = await findEntry(database, database.passQuery, request)
    if (outcome.kind !== 'found') return missed(outcome, request)
    const refusal = await bind(database, request, outcome.dn, password, false)
    return refusal ?? { kind: 'found', fields: fieldsOf(database, outcome.entries, request, false) }
  }
  try {
    const dn = compileLate(settings.auth_bind_userdn).expand(request.lookup, escapeLdap)
    return (await bind(database, request, dn, password, true)) ?? { kind: 'found', fields: [] }
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    return { kind: 'internal-failure', log: `Failed to expand auth_bind_userdn: ${error.message}` }
  }
}

/** RFC 4511 §4.1.9. */
const NO_SUCH_OBJECT = 32
const INVALID_CREDENTIALS = 49

/** `undefined`: the password is right. */
async function bind(
  { directory }: LdapDatabase,
  request: DatabaseRequest,
  dn: string,
  password: Secret,
  isGuessedDn: boolean,
): Promise<VerifyReply | undefined> {
  const text = password.reveal().toString('utf8')
  // A bind without a name or password always succeeds: it is anonymous. RFC 4513 §5.1.2.
  if (text === '' || dn === '') {
    request.logDatabase('info', 'Login attempt with empty password')
    return { kind: 'password-mismatch' }
  }
  if (!Buffer.from(text, 'utf8').equals(password.reveal())) return { kind: 'password-mismatch' }
  try {
    await directory.bind(dn, text)
    return undefined
  } catch (error) {
    if (!(error instanceof LdapError)) throw error
    if (error.code === INVALID_CREDENTIALS) return { kind: 'password-mismatch' }
    if (error.code !== NO_SUCH_OBJECT || !isGuessedDn)
      return { kind: 'internal-failure', log: `ldap_bind(${dn}) failed: ${error.message}` }
    request.logUnknownUser()
    return { kind: 'unknown' }
  }
}
