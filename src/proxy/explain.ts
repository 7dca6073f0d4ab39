import type { AuthRefusal } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { ProxyTarget } from '../protocols/protocol.ts'
import { assertNever } from '../util/assert-never.ts'
import type { Route } from './route.ts'

type SourceSettings = Pick<Settings, 'login_source_ips' | 'login_proxy_max_reconnects'>

/** A route for a person: where a login goes, as whom, how safely, and from which address. Never a secret. */
export function explainRoute(route: Route, settings: SourceSettings): readonly string[] {
  switch (route.kind) {
    case 'local':
      return ['Route: served here']
    case 'refuse':
      return [`Route: refused: ${explainRefusal(route.why)}`, ...(route.log === undefined ? [] : [`Log: ${route.log}`])]
    case 'broken':
      return [`Route: cannot be proxied: ${route.text}`]
    case 'looping':
      return [`Route: not proxied: ${route.text}`, ...explainTarget(route.target, settings)]
    case 'proxy':
      return [`Route: proxied to ${address(route.target)}`, ...explainTarget(route.target, settings)]
    default:
      return assertNever(route)
  }
}

function address({ host, ip, port }: ProxyTarget): string {
  const where = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
  return host === ip ? where : `${host} (${where})`
}

function explainTarget(target: ProxyTarget, settings: SourceSettings): readonly string[] {
  return [
    `Login: as ${target.destuser}${explainCredentials(target)}`,
    `TLS: ${explainTls(target)}`,
    `Source address: ${explainSource(target, settings)}`,
    `Timeout: ${target.timeoutMs / 1000} secs, ${settings.login_proxy_max_reconnects} reconnects`,
    `TTL: ${target.ttl} sent to the backend`,
    ...explainExtras(target),
  ]
}

function explainCredentials({ mechanism, master, secret, noauth }: ProxyTarget): string {
  if (noauth) return ' without authentication (Submission; other protocols log in)'
  const how = mechanism === undefined ? ' with the simple login of the protocol' : ` with SASL ${mechanism}`
  const who = master === undefined ? '' : `, master user ${master}`
  return `${how}${who}${secret === undefined ? ', no password' : ''}`
}

function explainTls({ tls, verifyCertificate, host }: ProxyTarget): string {
  if (tls === 'none') return 'none: passwords and mail go in clear text'
  const when = tls === 'implicit' ? 'from the first byte' : 'after STARTTLS'
  return verifyCertificate
    ? `${when}, the certificate must be valid and match ${host}`
    : `${when}, but any certificate will do: whoever answers at that address gets the password`
}

function explainSource({ sourceIp }: ProxyTarget, { login_source_ips: list }: SourceSettings): string {
  if (sourceIp !== undefined) return `${sourceIp} (source_ip)`
  return list.length === 0 ? 'chosen by the system' : `in turn from login_source_ips: ${list.join(' ')}`
}

function explainExtras({ forward, notTrusted, nopipelining, haproxy }: ProxyTarget): readonly string[] {
  const fields = [...forward.keys()].map((key) => `forward_${key}`)
  return [
    ...(notTrusted ? ['Client data: not sent (proxy_not_trusted)'] : []),
    ...(!notTrusted && fields.length > 0 ? [`Forwarded: ${fields.join(' ')}`] : []),
    ...(nopipelining ? ['Pipelining: off (proxy_nopipelining)'] : []),
    ...(haproxy === undefined ? [] : [`PROXY header: ${haproxy}`]),
  ]
}

function explainRefusal(why: AuthRefusal): string {
  switch (why.kind) {
    case 'nologin':
      return why.reason === undefined ? 'nologin' : `nologin (${why.reason})`
    case 'referral':
      return `nologin with a referral to ${why.host}${why.port === undefined ? '' : `:${why.port}`} as ${why.user}`
    default:
      return why.kind
  }
}
