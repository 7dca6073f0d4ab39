// The ext file of `ldap` databases.
import { boolean, enumeration, ignored, secret, string, uint, type ValuesOf } from '../../config/setting.ts'
import { readExtFile } from '../ext-file.ts'
import { type DatabaseNeeds, DatabaseConfigError } from '../passdb/passdb.ts'

const POSIX_USER = '(&(objectClass=posixAccount)(uid=%u))'
const OPENLDAP_ONLY = 'it is for the OpenLDAP library'

/** The settings of a dovecot-ldap.conf.ext. */
export const ldapRows = {
  hosts: string('', 'LDAP servers, `host` or `host:port`, separated by blanks.'),
  uris: string(
    '',
    'LDAP servers as `ldap://`, `ldaps://` or `ldapi://` URIs, separated by blanks; the first that works is used.',
  ),
  dn: string('', 'Who searches; empty for an anonymous bind.'),
  dnpass: secret('Password of `dn`.'),
  auth_bind: boolean('no', 'Check passwords by binding as the user, not by comparing the password attribute.'),
  auth_bind_userdn: string('', 'Template of the DN to bind as; without it the DN is searched with `pass_filter`.'),
  sasl_bind: boolean('no', 'Bind with a SASL mechanism.'),
  sasl_mech: string('', 'The mechanism: EXTERNAL or PLAIN.'),
  sasl_realm: ignored('no mechanism that is supported has realms', string('', 'SASL realm.')),
  sasl_authz_id: string('', 'SASL authorization identity.'),
  tls: boolean('no', 'StartTLS before anything else.'),
  tls_ca_cert_file: string('', 'File of certificate authorities.'),
  tls_ca_cert_dir: string('', 'Directory of certificate authorities.'),
  tls_cert_file: string('', 'Client certificate.'),
  tls_key_file: string('', 'Key of the client certificate.'),
  tls_cipher_suite: string('', 'Ciphers, in the notation of OpenSSL.'),
  tls_require_cert: string(
    '',
    'Whether the server must have a valid certificate: never, allow, try, demand (default) or hard.',
  ),
  deref: enumeration(['never', 'searching', 'finding', 'always'], 'When aliases are followed.'),
  scope: enumeration(['subtree', 'onelevel', 'base'], 'How deep searches go.'),
  base: string('', 'Where searches start; may hold %variables.'),
  ldap_version: uint('3', 'Version of the protocol.'),
  debug_level: ignored(OPENLDAP_ONLY, string('0', 'Debug level.')),
  ldaprc_path: ignored(OPENLDAP_ONLY, string('', 'Path of an ldaprc.')),
  user_attrs: string('homeDirectory=home,uidNumber=uid,gidNumber=gid', 'Attributes and the userdb fields they become.'),
  user_filter: string(POSIX_USER, 'Finds a user for the userdb.'),
  pass_attrs: string('uid=user,userPassword=password', 'Attributes and the passdb fields they become.'),
  pass_filter: string(POSIX_USER, 'Finds a user for the passdb.'),
  iterate_attrs: string('uid=user', 'Attributes that make up the names of listed users.'),
  iterate_filter: string('(objectClass=posixAccount)', 'Finds all users.'),
  default_pass_scheme: string('crypt', 'Scheme of passwords that name none.'),
  userdb_warning_disable: ignored(
    'there is no such warning',
    boolean('no', 'Do not warn about user settings that no userdb uses.'),
  ),
  blocking: ignored('nothing blocks', boolean('no', 'Search in auth worker processes.')),
} as const

export type LdapSettings = ValuesOf<typeof ldapRows> & { readonly path: string }

/** Reads an ext file. Throws DatabaseConfigError with Dovecot's fatal line. */
export function readLdapSettings(path: string, needs: DatabaseNeeds): LdapSettings {
  const { values, changed } = readExtFile('LDAP', path, ldapRows, needs)
  const fault = faultOf({ ...values, path })
  if (fault !== undefined) throw new DatabaseConfigError(`LDAP ${path}: ${fault}`)
  if (changed.has('deref') && values.deref !== 'never')
    needs.complain({
      severity: 'warning',
      text: `LDAP ${path}: deref=${values.deref} is not supported: aliases are not followed`,
    })
  return { ...values, path }
}

function faultOf(settings: LdapSettings): string | undefined {
  const { base, uris, hosts, tls, tls_require_cert: requireCert, ldap_version: version } = settings
  if (base === '') return 'No base given'
  if (uris === '' && hosts === '') return 'No uris or hosts set'
  if (tls && /(^| )ldaps:/i.test(uris)) return "Don't use both tls=yes and ldaps URI"
  if (!['', 'never', 'allow', 'try', 'demand', 'hard'].includes(requireCert))
    return `Unknown tls_require_cert value '${requireCert}'`
  if (version !== 3) return `ldap_version=${version} is not supported`
  return saslFault(settings)
}

function saslFault({ sasl_bind: isSasl, sasl_mech: mechanism }: LdapSettings): string | undefined {
  if (!isSasl) return undefined
  if (mechanism === '') return 'sasl_bind=yes requires sasl_mech'
  return /^(external|plain)$/i.test(mechanism) ? undefined : `sasl_mech=${mechanism} is not supported`
}
