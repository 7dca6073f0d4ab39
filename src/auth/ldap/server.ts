// Where the servers of an ext file are, and how TLS to them is.
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { readConfigText } from '../ext-file.ts'
import { type DatabaseNeeds, DatabaseConfigError } from '../passdb/passdb.ts'
import type { LdapSettings } from './settings.ts'

export interface LdapServer {
  /** As the log shows it. */
  readonly uri: string
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
  /** TLS from the first byte, by StartTLS, or not at all. */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly tls: ConnectionOptions
}

/** The servers in the order of the file. Throws DatabaseConfigError. */
export function serversOf(settings: LdapSettings, needs: DatabaseNeeds): readonly LdapServer[] {
  const words = (text: string): string[] => text.split(/[ \t]+/).filter((word) => word !== '')
  const uris = settings.uris === '' ? words(settings.hosts).map((host) => `ldap://${host}`) : words(settings.uris)
  const tls = tlsOptions(settings, needs)
  return uris.map((uri) => serverOf(uri, settings, tls))
}

function serverOf(uri: string, { path, tls: startsTls }: LdapSettings, options: ConnectionOptions): LdapServer {
  const invalid = new DatabaseConfigError(
    `LDAP ${path}: ldap_initialize() failed for uri '${uri}': Bad parameter to an ldap routine`,
  )
  const [, scheme = '', authority = ''] = /^(ldaps?|ldapi):\/\/([^/?]*)/i.exec(uri) ?? []
  const security = scheme.toLowerCase() === 'ldaps' ? 'tls' : startsTls ? 'starttls' : 'none'
  if (scheme.toLowerCase() === 'ldapi') {
    // The path of the socket is percent-encoded; OpenLDAP's own socket is the default.
    const socket = authority === '' ? '/var/run/slapd/ldapi' : decodePath(authority)
    if (socket === undefined) throw invalid
    return { uri, address: { path: socket }, security, tls: options }
  }
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority) ?? []
  const host = bracketed ?? plain
  if (scheme === '' || host === undefined || Number(port ?? 1) > 65_535) throw invalid
  const name = host === '' ? 'localhost' : host
  return {
    uri,
    address: { host: name, port: Number(port ?? (security === 'tls' ? 636 : 389)) },
    security,
    tls: { ...options, host: name, ...(isIP(name) === 0 && { servername: name }) },
  }
}

function decodePath(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function tlsOptions(settings: LdapSettings, needs: DatabaseNeeds): ConnectionOptions {
  const read = (path: string): string => readConfigText('LDAP', path, needs)
  const { tls_ca_cert_file: caFile, tls_ca_cert_dir: caDir, tls_cert_file: cert, tls_key_file: key } = settings
  const authorities = [
    ...(caFile === '' ? [] : [read(caFile)]),
    ...(caDir === '' ? [] : needs.configFiles.glob(`${caDir.replace(/\/$/, '')}/*`).map(read)),
  ].filter((text) => text.includes('-----BEGIN'))
  return {
    rejectUnauthorized: !/^(never|allow)$/.test(settings.tls_require_cert),
    ...(authorities.length > 0 && { ca: authorities }),
    ...(cert !== '' && { cert: read(cert) }),
    ...(key !== '' && { key: read(key) }),
    ...(settings.tls_cipher_suite !== '' && { ciphers: settings.tls_cipher_suite }),
  }
}
