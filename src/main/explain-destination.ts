import type { Settings } from '../config/config.ts'

export type Detail = readonly [name: string, value: string]

/** What login proxies and LMTP know of a backend alike. */
export interface ExplainedDestination {
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly sourceIp?: string
  readonly tls: 'none' | 'implicit' | 'starttls'
  readonly verifyCertificate: boolean
  readonly haproxy?: 'v1' | 'v2'
  readonly notTrusted: boolean
  readonly forward: ReadonlyMap<string, string | null>
}

/** Address, TLS plan, source address and what the backend learns of the client. */
export function destinationDetails(target: ExplainedDestination, settings: Settings): readonly Detail[] {
  const { host, ip, port, haproxy, notTrusted, forward } = target
  const details: Detail[] = [
    ['address', host === ip ? `${ip} port ${port}` : `${ip} port ${port} (host ${host})`],
    ['source address', sourceText(target, settings)],
    ['TLS', tlsText(target, settings)],
  ]
  if (haproxy !== undefined) details.push(['PROXY header', haproxy])
  const fields = [...forward].map(([name, value]) => (value === null ? name : `${name}=${value}`))
  details.push([
    'client identity',
    notTrusted ? 'not told (proxy_not_trusted)' : 'told, if the backend offers to listen',
  ])
  if (fields.length > 0) details.push(['forwarded', fields.join(', ')])
  return details
}

function sourceText({ sourceIp }: ExplainedDestination, { login_source_ips }: Settings): string {
  if (sourceIp !== undefined) return `${sourceIp} (source_ip)`
  return login_source_ips.length === 0
    ? "the system's choice"
    : `in turn from login_source_ips: ${login_source_ips.join(' ')}`
}

function tlsText({ tls, host, verifyCertificate }: ExplainedDestination, settings: Settings): string {
  if (tls === 'none') return 'none: everything crosses the network in clear'
  const how = tls === 'implicit' ? 'from the first byte' : 'STARTTLS, or the login fails'
  const certificate = verifyCertificate
    ? `the certificate must be valid for ${host}, by ${trustText(settings)}`
    : 'the certificate is not checked'
  const ours = settings.ssl_client_cert === '' ? '' : '; ours is ssl_client_cert'
  return `${how}; ${certificate}${ours}`
}

function trustText({ ssl_ca, ssl_client_ca_file, ssl_client_ca_dir }: Settings): string {
  const names = [
    ssl_ca === '' ? '' : 'ssl_ca',
    ssl_client_ca_file === '' ? '' : `ssl_client_ca_file = ${ssl_client_ca_file}`,
    ssl_client_ca_dir === '' ? '' : `ssl_client_ca_dir = ${ssl_client_ca_dir}`,
  ].filter((name) => name !== '')
  return names.length === 0 ? "the system's authorities" : names.join(', ')
}
