import type { Config, Filter } from '../../config/config.ts'
import { about } from './about.ts'
import type { Finding } from './finding.ts'

const PROTOCOLS = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', 'ANY', 'LATEST']
const WEAK_PROTOCOLS = ['SSLv3', 'TLSv1', 'TLSv1.1', 'ANY']
const WEAK_CIPHERS = [
  'NULL',
  'eNULL',
  'aNULL',
  'ADH',
  'EXPORT',
  'EXP',
  'LOW',
  'DES',
  '3DES',
  'RC4',
  'MD5',
  'COMPLEMENTOFALL',
]

/** TLS towards clients and towards backends. */
export function checkTls(config: Config, filter: Filter): readonly Finding[] {
  if (config.settings(filter).ssl === 'no') return [...towardsBackends(config, filter)]
  return [
    ...certificates(config, filter),
    ...strength(config, filter),
    ...clientCertificates(config, filter),
    ...towardsBackends(config, filter),
  ]
}

function* certificates(config: Config, filter: Filter): Generator<Finding> {
  const { ssl_cert, ssl_key, ssl } = config.settings(filter)
  if (ssl_cert === '' || ssl_key.isEmpty) {
    const missing = ssl_cert === '' ? 'ssl_cert' : 'ssl_key'
    const text = `ssl = ${ssl} without ${missing}: every TLS handshake will fail, except for host names that have their own`
    yield about(config, filter, 'ssl', 'warning', text)
  }
  for (const setting of ['ssl_cert', 'ssl_alt_cert', 'ssl_ca', 'ssl_client_cert'] as const) {
    if (isPath(config.settings(filter)[setting])) yield forgottenSign(config, filter, setting)
  }
  for (const setting of ['ssl_key', 'ssl_alt_key', 'ssl_client_key'] as const) {
    if (isPath(config.settings(filter)[setting].reveal().toString('latin1')))
      yield forgottenSign(config, filter, setting)
  }
}

function* strength(config: Config, filter: Filter): Generator<Finding> {
  const { ssl_min_protocol, ssl_cipher_list } = config.settings(filter)
  if (!PROTOCOLS.includes(ssl_min_protocol)) {
    const text = `Unknown ssl_min_protocol setting '${ssl_min_protocol}'`
    yield about(config, filter, 'ssl_min_protocol', 'error', text)
  } else if (WEAK_PROTOCOLS.includes(ssl_min_protocol)) {
    const text = `ssl_min_protocol = ${ssl_min_protocol} allows protocols that are broken; TLSv1.2 is the default`
    yield about(config, filter, 'ssl_min_protocol', 'warning', text)
  }
  const weak = ssl_cipher_list.split(/[:, @]/).find((word) => WEAK_CIPHERS.includes(word.replace(/^\+/, '')))
  if (weak !== undefined) {
    const text = `ssl_cipher_list lets in ${weak}, which protects nothing any more`
    yield about(config, filter, 'ssl_cipher_list', 'warning', text)
  }
}

function* clientCertificates(config: Config, filter: Filter): Generator<Finding> {
  const { auth_ssl_require_client_cert, ssl_verify_client_cert, ssl_require_crl, ssl_ca } = config.settings(filter)
  if (auth_ssl_require_client_cert && !ssl_verify_client_cert) {
    const text = 'auth_ssl_require_client_cert = yes without ssl_verify_client_cert = yes: nobody can log in'
    yield about(config, filter, 'auth_ssl_require_client_cert', 'warning', text)
  }
  if (ssl_verify_client_cert && ssl_require_crl && !ssl_ca.includes('-----BEGIN X509 CRL-----')) {
    const text = 'ssl_require_crl = yes, but ssl_ca holds no revocation list: every client certificate will be refused'
    yield about(config, filter, 'ssl_ca', 'warning', text)
  }
}

function* towardsBackends(config: Config, filter: Filter): Generator<Finding> {
  if (config.settings(filter).ssl_client_require_valid_cert) return
  const text =
    'ssl_client_require_valid_cert = no: backends are not authenticated, so anybody between can read passwords'
  yield about(config, filter, 'ssl_client_require_valid_cert', 'warning', text)
}

/** The name of a file where its contents should be. */
function isPath(value: string): boolean {
  return /^\s*[/~.][^\n]*$/.test(value)
}

function forgottenSign(config: Config, filter: Filter, setting: Parameters<typeof about>[2]): Finding {
  return about(
    config,
    filter,
    setting,
    'warning',
    `${setting} is the name of a file: write ${setting} = </path with the <`,
  )
}
