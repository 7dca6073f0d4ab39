import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { untilListening } from '../support/listening.ts'
import { ServerProcess } from '../support/server-process.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { type DatabasePeer, openDatabasePeer, runProgram, skipWithoutPrograms } from './database.ts'

const SERVER = '/usr/sbin/slapd'
const MODIFY = '/usr/bin/ldapmodify'

export const SLAPD_SUFFIX = 'dc=example,dc=org'
export const SLAPD_ADMIN = `cn=admin,${SLAPD_SUFFIX}`
export const SLAPD_PASSWORD = 'admin secret'

export function skipWithoutSlapd(): false | string {
  return skipWithoutPrograms('slapd', 'slapd ldap-utils', [SERVER, MODIFY, '/etc/ldap/schema/nis.schema'])
}

export interface SlapdPeer extends DatabasePeer {
  /** The port with TLS from the first byte; only with a certificate. */
  readonly tlsPort: number
}

/** A schema whose names are compared byte by byte: LDAP's own ignore case and blanks. */
const EXACT_SCHEMA = `
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'exactName' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.32473.1.2 NAME 'mailServer' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.32473.1.3 NAME 'settingsOf' SUP distinguishedName )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'exactUser' SUP top STRUCTURAL MUST cn
  MAY ( exactName $ uid $ userPassword $ mailServer $ settingsOf $ uidNumber $ gidNumber $ homeDirectory ) )
`

/** Starts a private OpenLDAP on loopback with an empty tree under SLAPD_SUFFIX. `run` takes LDIF for ldapmodify -a. */
export async function startSlapd(certificate?: { readonly key: string; readonly cert: string }): Promise<SlapdPeer> {
  const dir = makeTempDir('slapd')
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const config = join(dir, 'slapd.conf')
  mkdirSync(join(dir, 'data'))
  writeFileSync(join(dir, 'exact.schema'), EXACT_SCHEMA)
  if (certificate !== undefined) {
    writeFileSync(join(dir, 'key.pem'), certificate.key, { mode: 0o600 })
    writeFileSync(join(dir, 'cert.pem'), certificate.cert)
  }
  writeFileSync(config, configText(dir, certificate !== undefined))
  const uris = [`ldap://127.0.0.1:${port}/`, ...(certificate === undefined ? [] : [`ldaps://127.0.0.1:${tlsPort}/`])]
  const run = (ldif: string): Promise<string> =>
    runProgram(MODIFY, ['-a', '-x', '-H', uris[0] ?? '', '-D', SLAPD_ADMIN, '-w', SLAPD_PASSWORD], ldif)
  const peer = await openDatabasePeer({
    port,
    socket: '',
    dir,
    // With a debug level it stays in the foreground.
    spawn: () => new ServerProcess({ command: SERVER, args: ['-d', '256', '-h', uris.join(' '), '-f', config] }),
    // What it says it says before it listens.
    ready: (server) => untilListening(server, port),
    run,
  })
  try {
    await run(`dn: ${SLAPD_SUFFIX}\nobjectClass: domain\ndc: example\n`)
  } catch (error) {
    await peer.stop()
    throw error
  }
  return { ...peer, tlsPort }
}

function configText(dir: string, hasCertificate: boolean): string {
  const schemas = ['core', 'cosine', 'nis'].map((name) => `include /etc/ldap/schema/${name}.schema`)
  const tls = hasCertificate ? [`TLSCertificateFile ${dir}/cert.pem`, `TLSCertificateKeyFile ${dir}/key.pem`] : []
  return [
    ...schemas,
    `include ${dir}/exact.schema`,
    `pidfile ${dir}/slapd.pid`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    ...tls,
    'database mdb',
    'maxsize 67108864',
    `suffix "${SLAPD_SUFFIX}"`,
    `rootdn "${SLAPD_ADMIN}"`,
    `rootpw "${SLAPD_PASSWORD}"`,
    `directory ${dir}/data`,
    'dbnosync',
    'index objectClass,uid,exactName eq',
    // Passwords may be tried, but only the administrator reads them.
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by * read',
    '',
  ].join('\n')
}

/** One entry as LDIF, its values in base64: they may hold anything. */
export function ldifEntry(dn: string, attributes: Readonly<Record<string, string | readonly string[]>>): string {
  const line = (name: string, value: string): string => `${name}:: ${Buffer.from(value, 'utf8').toString('base64')}`
  const lines = Object.entries(attributes).flatMap(([name, values]) =>
    [values].flat().map((value) => line(name, value)),
  )
  return [line('dn', dn), ...lines, '', ''].join('\n')
}
