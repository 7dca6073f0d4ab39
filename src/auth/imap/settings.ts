// `args` of the imap passdb.
import { getCACertificates } from 'node:tls'
import type { ClientTlsContext } from '../../net/tls-context.ts'
import { buildClientContext } from '../../net/tls-context.ts'
import type { Template } from '../../config/expand.ts'
import { Secret } from '../../util/secret.ts'
import { readConfigText } from '../ext-file.ts'
import { compileLate, splitBlanks } from '../field-template.ts'
import { type DatabaseNeeds, DatabaseConfigError } from '../passdb/passdb.ts'

export interface ImapServer {
  readonly host: Template
  readonly port: number
  readonly username: Template
  readonly security: 'imaps' | 'starttls' | 'none'
  readonly verifiesCertificate: boolean
  /** Built when it is first needed: reading the authorities takes a while. */
  tlsContext(): ClientTlsContext
  /** For the key of the auth cache. */
  readonly cacheKey: string
}

/** Parses the args. Throws DatabaseConfigError. */
export function parseImapArgs(args: string, needs: DatabaseNeeds): ImapServer {
  const values = new Map([
    ['port', ''],
    ['username', '%u'],
    ['ssl', 'no'],
    ['ssl_ca_file', ''],
    ['ssl_ca_dir', ''],
    ['allow_invalid_cert', 'no'],
    ['host', ''],
    ['rawlog_dir', ''],
  ])
  for (const word of splitBlanks(args)) {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    if (!values.has(name)) throw new DatabaseConfigError(`passdb imap: Unknown parameter: ${word}`)
    values.set(name, equals < 0 ? 'yes' : word.slice(equals + 1))
  }
  const get = (name: string): string => values.get(name) ?? ''
  if (get('host') === '') throw new DatabaseConfigError('passdb imap: Missing host parameter')
  const security = securityOf(get('ssl'))
  const port = get('port') === '' ? (security === 'imaps' ? 993 : 143) : Number(get('port'))
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new DatabaseConfigError(`passdb imap: Invalid port: ${get('port')}`)
  const authorities = security === 'none' ? [] : authoritiesOf(get('ssl_ca_file'), get('ssl_ca_dir'), needs)
  let context: ClientTlsContext | undefined
  return {
    host: compileLate(get('host')),
    port,
    username: compileLate(get('username')),
    security,
    verifiesCertificate: get('allow_invalid_cert') === 'no',
    tlsContext: () => (context ??= contextOf(authorities)),
    cacheKey: `${get('username')}\t${get('host')}`,
  }
}

function securityOf(text: string): ImapServer['security'] {
  if (text === 'imaps' || text === 'starttls') return text
  if (text === 'no' || text === '') return 'none'
  throw new DatabaseConfigError(`passdb imap: Invalid ssl mode: ${text}`)
}

function authoritiesOf(file: string, dir: string, needs: DatabaseNeeds): readonly string[] {
  const read = (path: string): string => readConfigText('passdb imap', path, needs)
  return [
    ...(file === '' ? [] : [read(file)]),
    ...(dir === '' ? [] : needs.configFiles.glob(`${dir.replace(/\/$/, '')}/*`).map(read)),
  ]
}

function contextOf(authorities: readonly string[]): ClientTlsContext {
  const settings = {
    ssl_min_protocol: 'TLSv1.2',
    ssl_cipher_list: 'HIGH:!aNULL',
    ssl_cipher_suites: '',
    ssl_curve_list: '',
    ssl_options: [],
    ssl_ca: '',
    ssl_require_crl: false,
    ssl_client_cert: '',
    ssl_client_key: new Secret(''),
  }
  return buildClientContext(settings, authorities.length > 0 ? authorities : getCACertificates('default'))
}
