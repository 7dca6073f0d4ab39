import { X509Certificate } from 'node:crypto'
import { about } from '../../admin/doctor/about.ts'
import type { Finding } from '../../admin/doctor/finding.ts'
import type { Config, Filter, Settings } from '../../config/config.ts'
import { pemBlocks } from '../../net/pem.ts'
import { TICKET_KEY_BYTES, TlsContextCache } from '../../net/tls-cache.ts'
import { TlsSettingsError } from '../../net/tls-context.ts'
import { distinctSettings, type Patient } from './patient.ts'

/** A certificate with less time than this is told of. */
const SOON_DAYS = 21
const DAY_MS = 86_400_000

/** Certificates and keys: whether they can be used together, for how long, and for which names. */
export function checkCertificates(patient: Patient, nowMs: number): readonly Finding[] {
  const cache = new TlsContextCache(Buffer.alloc(TICKET_KEY_BYTES))
  const found = new Map<string, Finding>()
  for (const [settings, filter] of distinctSettings(patient)) {
    const findings = [
      ...ofServer(patient.config, settings, filter, cache, nowMs),
      ...ofClient(patient.config, settings, filter, cache, nowMs),
    ]
    for (const finding of findings) found.set(`${finding.text} ${finding.at?.file}:${finding.at?.line}`, finding)
  }
  return [...found.values()]
}

function* ofServer(
  config: Config,
  settings: Settings,
  filter: Filter,
  cache: TlsContextCache,
  nowMs: number,
): Generator<Finding> {
  if (settings.ssl === 'no' || settings.ssl_cert === '' || settings.ssl_key.isEmpty) return
  yield* usable(config, filter, () => cache.server(settings))
  for (const setting of ['ssl_cert', 'ssl_alt_cert'] as const) {
    const chain = readChain(settings[setting])
    const [own] = chain
    if (own === undefined) continue
    yield* validity(config, filter, setting, own, nowMs)
    yield* namesOf(config, filter, setting, own, settings)
    yield* order(config, filter, setting, chain)
  }
}

function* ofClient(
  config: Config,
  settings: Settings,
  filter: Filter,
  cache: TlsContextCache,
  nowMs: number,
): Generator<Finding> {
  yield* usable(config, filter, () => cache.client(settings))
  const [own] = readChain(settings.ssl_client_cert)
  if (own !== undefined) yield* validity(config, filter, 'ssl_client_cert', own, nowMs)
}

/** What OpenSSL says when the server would first use them. */
function* usable(config: Config, filter: Filter, build: () => unknown): Generator<Finding> {
  try {
    build()
  } catch (error) {
    if (!(error instanceof TlsSettingsError)) throw error
    yield about(config, filter, settingIn(error.message), 'error', error.message)
  }
}

const TLS_SETTINGS = [
  'ssl_client_ca_file',
  'ssl_client_ca_dir',
  'ssl_client_cert',
  'ssl_client_key',
  'ssl_alt_cert',
  'ssl_alt_key',
  'ssl_min_protocol',
  'ssl_cipher_list',
  'ssl_cipher_suites',
  'ssl_curve_list',
  'ssl_dh',
  'ssl_ca',
  'ssl_key',
] as const

/** Messages name their setting, but for those about ciphers, which name its value. */
function settingIn(message: string): (typeof TLS_SETTINGS)[number] | 'ssl_cert' {
  if (message.includes('cipher list')) return 'ssl_cipher_list'
  return TLS_SETTINGS.find((setting) => message.includes(setting)) ?? 'ssl_cert'
}

function* validity(
  config: Config,
  filter: Filter,
  setting: 'ssl_cert' | 'ssl_alt_cert' | 'ssl_client_cert',
  certificate: X509Certificate,
  nowMs: number,
): Generator<Finding> {
  const from = certificate.validFromDate.getTime()
  const to = certificate.validToDate.getTime()
  const until = day(to)
  if (nowMs > to) yield about(config, filter, setting, 'error', `${setting}: the certificate expired on ${until}`)
  else if (nowMs < from) {
    yield about(config, filter, setting, 'error', `${setting}: the certificate is not valid before ${day(from)}`)
  } else if (to - nowMs < SOON_DAYS * DAY_MS) {
    const days = Math.floor((to - nowMs) / DAY_MS)
    yield about(config, filter, setting, 'warning', `${setting}: the certificate expires in ${days} days, on ${until}`)
  }
}

function* namesOf(
  config: Config,
  filter: Filter,
  setting: 'ssl_cert' | 'ssl_alt_cert',
  certificate: X509Certificate,
  { hostname }: Settings,
): Generator<Finding> {
  // Nobody chose the machine's own name.
  const chosen = config.origin('hostname', filter) === undefined ? '' : hostname
  const name = filter.localName ?? chosen
  if (name === '' || certificate.checkHost(name) !== undefined) return
  const why = filter.localName === undefined ? 'the hostname setting' : 'its local_name'
  yield about(config, filter, setting, 'warning', `${setting}: the certificate is not for ${name}, ${why}`)
}

function* order(
  config: Config,
  filter: Filter,
  setting: 'ssl_cert' | 'ssl_alt_cert',
  chain: readonly X509Certificate[],
): Generator<Finding> {
  const [own] = chain
  const wrong = chain.findIndex(
    (certificate, index) => index > 0 && chain[index - 1]?.checkIssued(certificate) !== true,
  )
  if (wrong > 0) {
    const text = `${setting}: certificate ${wrong + 1} of the chain has not issued the one before it: clients may refuse the chain`
    yield about(config, filter, setting, 'warning', text)
  } else if (chain.length === 1 && own?.verify(own.publicKey) === true) {
    yield about(
      config,
      filter,
      setting,
      'info',
      `${setting}: the certificate is self-signed: clients will not trust it by themselves`,
    )
  }
}

function readChain(text: string): readonly X509Certificate[] {
  try {
    return pemBlocks(text, 'certificate').map((block) => new X509Certificate(block))
  } catch {
    // What OpenSSL cannot read is told of where the context is built.
    return []
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
