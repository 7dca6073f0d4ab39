import type { Settings } from '../../config/config.ts'
import type { FileSnapshot } from '../config-snapshot.ts'
import type { ConfigSource } from '../messages.ts'

/** Where the clients of a protocol connect. */
export interface PracticeListener {
  readonly protocol: string
  readonly tls: boolean
  readonly port: number
}

const PATH = '/practice/dovecot.conf'
const CERT = '/practice/cert.pem'
const KEY = '/practice/key.pem'

/** A configuration with the settings that decide which code a login runs, and nothing that it could hurt. */
export function practiceSource(
  settings: Settings,
  listeners: readonly PracticeListener[],
  backends: Readonly<Record<string, number>>,
  directory: string,
): ConfigSource {
  const hasTls = listeners.some(({ tls }) => tls)
  const protocols = settings.protocols.filter((name) => backends[name] !== undefined)
  const text = `base_dir = ${directory}
state_dir = ${directory}
log_path = /dev/null
listen = 127.0.0.1
protocols = ${protocols.join(' ')}
lmtp_proxy = yes
disable_plaintext_auth = no
ssl = ${hasTls ? `yes\nssl_cert = <${CERT}\nssl_key = <${KEY}` : 'no'}
postern_bare_sockets = ${settings.postern_bare_sockets ? 'yes' : 'no'}
postern_log_format = ${settings.postern_log_format}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
# There has to be one outside of protocols.
passdb {
  driver = static
  args = password=of-nobody
  skip = authenticated
}
${protocols.map((name) => `${passdb(name, backends[name] ?? 0)}${service(name, listeners)}`).join('')}`
  const files: FileSnapshot['files'] = new Map([[PATH, Buffer.from(text)]])
  if (hasTls) files.set(CERT, Buffer.from(settings.ssl_cert)).set(KEY, settings.ssl_key.reveal())
  return { path: PATH, overrides: [], snapshot: { files, globs: new Map(), users: new Map(), hosts: new Map() } }
}

function passdb(protocol: string, port: number): string {
  return `protocol ${protocol} {
  passdb {
    driver = static
    args = proxy=y host=127.0.0.1 port=${port} nopassword=y
  }
}
`
}

function service(protocol: string, listeners: readonly PracticeListener[]): string {
  const portOf = (wanted: boolean): number =>
    listeners.find((listener) => listener.protocol === protocol && listener.tls === wanted)?.port ?? 0
  if (protocol === 'lmtp')
    return `service lmtp {\n  unix_listener lmtp {\n    mode = 0\n  }\n  ${listener('lmtp', portOf(false), false)}\n}\n`
  const name = protocol === 'sieve' ? 'managesieve-login' : `${protocol}-login`
  const plain = listener(protocol, portOf(false), false)
  const overTls = listener(TLS_NAMES[protocol] ?? `${protocol}s`, portOf(true), true)
  return `service ${name} {\n  ${plain}\n  ${overTls}\n}\n`
}

/** Dovecot's names of listeners that are there by default: they get the ports of the practice, or none. */
const TLS_NAMES: Readonly<Record<string, string>> = { submission: 'submissions', sieve: 'sieves' }

function listener(name: string, port: number, tls: boolean): string {
  return `inet_listener ${name} {\n    port = ${port}\n    ssl = ${tls ? 'yes' : 'no'}\n  }`
}
