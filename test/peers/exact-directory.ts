import { TEST_USERS } from '../suites/passdb.ts'
import { ldifEntry, SLAPD_ADMIN, SLAPD_PASSWORD, SLAPD_SUFFIX } from './slapd.ts'

/** TEST_USERS as entries `cn=N`, as LDIF; names are compared byte by byte. */
export function exactUsers(): string {
  return TEST_USERS.map(({ name, password, host }, index) =>
    ldifEntry(`cn=${index},${SLAPD_SUFFIX}`, {
      objectClass: 'exactUser',
      cn: String(index),
      exactName: name,
      userPassword: password,
      mailServer: host,
      uidNumber: '1000',
      gidNumber: '1000',
      homeDirectory: `/home/${host}`,
    }),
  ).join('')
}

/** The ext file for `exactUsers`. */
export function exactSettings(uris: string, more = ''): string {
  return `uris = ${uris}
dn = ${SLAPD_ADMIN}
dnpass = ${SLAPD_PASSWORD}
base = ${SLAPD_SUFFIX}
default_pass_scheme = PLAIN
pass_filter = (&(objectClass=exactUser)(exactName=%u))
pass_attrs = exactName=user,userPassword=password,=host=%{ldap:mailServer},=service=%s
user_filter = (&(objectClass=exactUser)(exactName=%u))
user_attrs = uidNumber=uid,gidNumber=gid,homeDirectory=home,mailServer=quota_rule
iterate_filter = (objectClass=exactUser)
iterate_attrs = exactName=user
${more}
`
}
