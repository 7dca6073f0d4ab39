import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import type { Secret } from '../util/secret.ts'
import { opensslText } from './fault-text.ts'
import { pemBlocks } from './pem.ts'

/** The settings both directions of TLS share, as the configuration names them. */
export interface TlsSettings {
  readonly ssl_min_protocol: string
  readonly ssl_cipher_list: string
  readonly ssl_cipher_suites: string
  readonly ssl_curve_list: string
  readonly ssl_options: readonly string[]
  readonly ssl_ca: string
  readonly ssl_require_crl: boolean
}

/** TLS towards clients. Certificates and keys are PEM text. */
export interface ServerTlsSettings extends TlsSettings {
  readonly ssl_cert: string
  readonly ssl_key: Secret
  readonly ssl_key_password: Secret
  readonly ssl_alt_cert: string
  readonly ssl_alt_key: Secret
  readonly ssl_verify_client_cert: boolean
  readonly ssl_cert_username_field: string
  readonly ssl_prefer_server_ciphers: boolean
  readonly ssl_dh: string
}

/** TLS towards backends. Authorities of `ssl_client_ca_file` and `ssl_client_ca_dir` come as text. */
export interface ClientTlsSettings extends TlsSettings {
  readonly ssl_client_cert: string
  readonly ssl_client_key: Secret
}

/** What a TLS handshake needs besides the peer. Built once per set of settings. */
export interface ServerTlsContext {
  readonly secureContext: SecureContext
  /** Clients are asked for a certificate (`ssl_verify_client_cert`). */
  readonly asksCertificate: boolean
  readonly trust: TrustRules
  readonly usernameField: string
}

export interface ClientTlsContext {
  readonly secureContext: SecureContext
  readonly trust: TrustRules
}

export interface TrustRules {
  /** `ssl_require_crl` is set and the authorities came without a revocation list: no certificate can be valid. */
  readonly crlMissing: boolean
}

/** A certificate, key or other TLS setting that cannot be used; the message is Dovecot's and names the setting. */
export class TlsSettingsError extends Error {
  override readonly name = 'TlsSettingsError'
}

/** Two contexts that share this accept each other's session tickets and sessions. */
const SESSION_CONTEXT = 'postern'
const TLS13_SUITES = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'

const MIN_VERSIONS = new Map<string, SecureVersion>([
  ['ANY', 'TLSv1'],
  // OpenSSL 3 has no SSLv3 any more.
  ['SSLv3', 'TLSv1'],
  ['TLSv1', 'TLSv1'],
  ['TLSv1.1', 'TLSv1.1'],
  ['TLSv1.2', 'TLSv1.2'],
  ['TLSv1.3', 'TLSv1.3'],
  ['LATEST', 'TLSv1.3'],
])

/** `ticketKeys`: 48 bytes that all processes share. Throws TlsSettingsError. */
export function buildServerContext(settings: ServerTlsSettings, ticketKeys: Buffer): ServerTlsContext {
  const { ssl_verify_client_cert: asksCertificate } = settings
  const trust = trustOptions(settings, asksCertificate ? [settings.ssl_ca] : [])
  const password = settings.ssl_key_password.reveal().toString()
  const pairs = [certificatePair('ssl_cert', settings.ssl_cert, 'ssl_key', settings.ssl_key, password)]
  if (settings.ssl_alt_cert !== '') {
    pairs.push(certificatePair('ssl_alt_cert', settings.ssl_alt_cert, 'ssl_alt_key', settings.ssl_alt_key, password))
  }
  const secureContext = build(settings, {
    ...trust.options,
    cert: pairs.map(({ cert }) => cert),
    key: pairs.map(({ key }) => key),
    honorCipherOrder: settings.ssl_prefer_server_ciphers,
    sessionIdContext: SESSION_CONTEXT,
    ticketKeys,
    ...(settings.ssl_dh === '' ? undefined : { dhparam: dhParameters(settings.ssl_dh) }),
  })
  const { ssl_cert_username_field: usernameField } = settings
  return { secureContext, asksCertificate, trust: { crlMissing: trust.crlMissing }, usernameField }
}

/** `authorities`: PEM texts trusted besides `ssl_ca`. Without any, no backend certificate is valid. Throws TlsSettingsError. */
export function buildClientContext(settings: ClientTlsSettings, authorities: readonly string[]): ClientTlsContext {
  const trust = trustOptions(settings, [settings.ssl_ca, ...authorities])
  const { ssl_client_cert: cert, ssl_client_key: key } = settings
  const pair = cert === '' ? undefined : certificatePair('ssl_client_cert', cert, 'ssl_client_key', key, '')
  const secureContext = build(settings, {
    ...trust.options,
    ...(pair === undefined ? undefined : { cert: pair.cert, key: [pair.key] }),
  })
  return { secureContext, trust: { crlMissing: trust.crlMissing } }
}

function build(settings: TlsSettings, options: SecureContextOptions): SecureContext {
  const minVersion = MIN_VERSIONS.get(settings.ssl_min_protocol)
  if (minVersion === undefined) {
    throw new TlsSettingsError(`Unknown ssl_min_protocol setting '${settings.ssl_min_protocol}'`)
  }
  const base = { ...options, minVersion, secureOptions: secureOptions(settings.ssl_options) }
  const suites = settings.ssl_cipher_suites === '' ? TLS13_SUITES : settings.ssl_cipher_suites
  const full: SecureContextOptions = {
    ...base,
    ciphers: `${suites}:${settings.ssl_cipher_list}`,
    ...(settings.ssl_curve_list === '' ? undefined : { ecdhCurve: settings.ssl_curve_list }),
  }
  try {
    return createSecureContext(full)
  } catch (error) {
    throw blame(settings, base, error)
  }
}

/** Says which setting OpenSSL did not like. */
function blame(settings: TlsSettings, base: SecureContextOptions, cause: unknown): TlsSettingsError {
  const text = cause instanceof Error ? (opensslText(cause) ?? cause.message) : String(cause)
  const trials: [SecureContextOptions, string][] = [
    [{ ciphers: settings.ssl_cipher_list }, `Can't set cipher list to '${settings.ssl_cipher_list}'`],
    [{ ciphers: settings.ssl_cipher_suites }, `Can't set ciphersuites to '${settings.ssl_cipher_suites}'`],
    [{ ecdhCurve: settings.ssl_curve_list }, `Can't set curve list to '${settings.ssl_curve_list}'`],
    [{ dhparam: base.dhparam }, "Can't load DH parameters (ssl_dh setting)"],
    [{ cert: base.cert, key: base.key }, 'Key is for a different cert than ssl_cert'],
    [{ ca: base.ca, crl: base.crl }, "Couldn't parse ssl_ca"],
  ]
  const culprit = trials.find(([options]) => Object.values(options).some((value) => value?.length) && fails(options))
  return new TlsSettingsError(culprit === undefined ? text : `${culprit[1]}: ${text}`, { cause })
}

function fails(options: SecureContextOptions): boolean {
  try {
    createSecureContext({ ca: [], ...options })
    return false
  } catch {
    return true
  }
}

function secureOptions(words: readonly string[]): number {
  const always = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION
  return words.includes('no_ticket') ? always | constants.SSL_OP_NO_TICKET : always
}

/** Node takes anything here and ignores what it cannot read. */
function dhParameters(text: string): string {
  const [block] = pemBlocks(text, 'dh')
  if (block === undefined) throw new TlsSettingsError("Can't load DH parameters (ssl_dh setting): no PEM parameters")
  return block
}

/** An empty list of authorities trusts nobody; Node would take none given for "the usual ones". */
function trustOptions(
  settings: TlsSettings,
  texts: readonly string[],
): { options: SecureContextOptions; crlMissing: boolean } {
  const ca = texts.flatMap((text) => pemBlocks(text, 'certificate'))
  if (
    settings.ssl_ca !== '' &&
    texts.includes(settings.ssl_ca) &&
    pemBlocks(settings.ssl_ca, 'certificate').length === 0
  ) {
    throw new TlsSettingsError("Couldn't parse ssl_ca: There is no valid PEM certificate.")
  }
  // As in Dovecot the rule hangs on ssl_ca: a plain bundle of ssl_client_ca_file brings no revocation lists.
  const requireCrl = settings.ssl_require_crl && settings.ssl_ca !== ''
  const crl = requireCrl ? pemBlocks(settings.ssl_ca, 'crl') : []
  return { options: crl.length === 0 ? { ca } : { ca, crl }, crlMissing: requireCrl && crl.length === 0 }
}

interface CertificatePair {
  readonly cert: string
  readonly key: { pem: string; passphrase?: string }
}

function certificatePair(
  certName: string,
  cert: string,
  keyName: string,
  key: Secret,
  password: string,
): CertificatePair {
  const problem = certificateProblem(certName, cert)
  if (problem !== undefined) throw new TlsSettingsError(`${certificateIntro(certName)}: ${problem}`)
  const pem = key.reveal().toString()
  if (!pem.includes('PRIVATE KEY---')) {
    throw new TlsSettingsError(`Can't load SSL private key (${keyName} setting): There is no valid PEM private key.`)
  }
  const pair = { cert, key: password === '' ? { pem } : { pem, passphrase: password } }
  checkKey(pair, keyName)
  return pair
}

function checkKey(pair: CertificatePair, keyName: string): void {
  try {
    createSecureContext({ ca: [], key: [pair.key] })
  } catch (error) {
    const text = error instanceof Error ? (opensslText(error) ?? error.message) : ''
    const hint = pair.key.passphrase === undefined ? '' : ' (maybe ssl_key_password is wrong?)'
    throw new TlsSettingsError(`Couldn't parse private SSL key (${keyName} setting)${hint}: ${text}`, { cause: error })
  }
}

function certificateIntro(name: string): string {
  const what = name === 'ssl_alt_cert' ? 'alternative SSL certificate' : 'SSL certificate'
  return `Can't load ${what} (${name} setting)`
}

function certificateProblem(name: string, cert: string): string | undefined {
  if (cert.trim() === '') return 'The certificate is empty'
  if (pemBlocks(cert, 'certificate').length > 0) return undefined
  if (cert.includes('PRIVATE KEY---')) {
    return "The file contains a private key (you've mixed ssl_cert and ssl_key settings)"
  }
  const forgotten = cert.startsWith('/') ? ` (You probably forgot '<' from ${name}=<${cert.trim()})` : ''
  return `There is no valid PEM certificate.${forgotten}`
}
