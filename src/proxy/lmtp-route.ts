import type { ExtraFields } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import { ipFamily, normalizeIp } from '../util/ip.ts'
import { chooseDestination } from './candidates.ts'
import { parseProxyFields, type ProxyFields } from './fields.ts'
import { connectAddresses } from './route.ts'

/** All that the choice for a recipient of LMTP depends on: the same question has the same answer. */
export interface LmtpRouteQuestion {
  /** The passdb's fields. */
  readonly fields: ExtraFields
  /** The name as it was asked for, and as the passdb calls it. */
  readonly user: string
  readonly found: string
  /** What `hostToResolve` was resolved to; empty when there was nothing to resolve. */
  readonly addresses: readonly string[]
  /** Where the client's connection was accepted; port 0 for a UNIX socket. */
  readonly self: { readonly ip: string; readonly port: number; readonly others: ReadonlySet<string> }
  /** Hops left, as a trusted proxy in front said. */
  readonly ttl: number | undefined
  readonly settings: Pick<Settings, 'ssl_client_require_valid_cert'>
}

export type LmtpRoute =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'proxy'
      readonly destination: LmtpDestination
      readonly destuser: string
      readonly forward: ReadonlyMap<string, string | null>
      /** A value that makes no sense, whose default is used: the operator's lines. */
      readonly problems: readonly string[]
    }
  /** The fields cannot be followed. Whoever would deliver here instead might lose mail, so nobody does. */
  | { readonly kind: 'misconfigured'; readonly text: string }
  | { readonly kind: 'looping'; readonly why: 'hops' | 'self' }

export interface LmtpDestination {
  readonly protocol: 'lmtp' | 'smtp'
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly sourceIp?: string
  readonly tls: 'none' | 'implicit' | 'starttls'
  readonly verifyCertificate: boolean
  readonly haproxy?: 'v1' | 'v2'
  readonly notTrusted: boolean
  readonly timeoutMs?: number
}

const PORTS = { lmtp: 24, smtp: 25 } as const

/** Decides where the mail of a recipient goes. `nologin`, `delay_until` and credentials play no part. */
export function decideLmtpRoute(question: LmtpRouteQuestion): LmtpRoute {
  const { fields } = parseProxyFields(question.fields)
  if (!fields.proxy && !fields.proxyMaybe) return { kind: 'local' }
  if (fields.proxyMaybe && isSelf(fields, question)) {
    return fields.proxyAlways ? { kind: 'misconfigured', text: 'host not given' } : { kind: 'local' }
  }
  const text = problemOf(fields, question.fields)
  return text === undefined ? follow(fields, question) : { kind: 'misconfigured', text }
}

/** The test of `proxy_maybe`: the address is ours, and the port is ours or not given. */
function isSelf(fields: ProxyFields, { addresses, self }: LmtpRouteQuestion): boolean {
  if (fields.port !== undefined && fields.port !== self.port) return false
  const literal = normalizeIp(fields.host ?? '') ?? normalizeIp(fields.hostip ?? '')
  const named = literal === undefined ? addresses : [literal]
  return named.some((ip) => ip === self.ip || self.others.has(ip))
}

/** What is wrong with fields that no default can stand in for, in Dovecot's words. */
function problemOf(fields: ProxyFields, raw: ExtraFields): string | undefined {
  if (fields.unusable !== undefined) return fields.unusable
  if (fields.host === undefined) return 'host not given'
  if (fields.protocol !== undefined && !isProtocol(fields.protocol)) return `Unknown protocol ${fields.protocol}`
  if (fields.hostip !== undefined && normalizeIp(fields.hostip) === undefined) return `Invalid hostip ${fields.hostip}`
  if (fields.sourceIp !== undefined && normalizeIp(fields.sourceIp) === undefined) {
    return `Invalid source_ip ${fields.sourceIp}`
  }
  return raw.has('port') && fields.port === undefined ? `Invalid port number ${raw.get('port')}` : undefined
}

function isProtocol(text: string): text is 'lmtp' | 'smtp' {
  return text === 'lmtp' || text === 'smtp'
}

function follow(fields: ProxyFields, question: LmtpRouteQuestion): LmtpRoute {
  const { user, found, self, ttl } = question
  const host = fields.host ?? ''
  const port = fields.port ?? defaultPort(fields, self.port)
  const chosen = chooseDestination(connectAddresses(fields, question.addresses).map((ip) => ({ host, ip, port })))
  if (chosen === undefined) return { kind: 'misconfigured', text: `no address for ${host}` }
  const destuser = fields.destuser ?? found
  if (chosen.ip === self.ip && port === self.port && destuser === user) return { kind: 'looping', why: 'self' }
  if (ttl !== undefined && ttl <= 0) return { kind: 'looping', why: 'hops' }
  const timeout = timeoutOf(fields, question.fields)
  return {
    kind: 'proxy',
    destination: makeDestination(fields, chosen, timeout.ms, question),
    destuser,
    // What a proxy in front forwarded is among the fields, unless the databases took it out.
    forward: fields.forward,
    problems: timeout.problem === undefined ? [] : [timeout.problem],
  }
}

/** Without an explicit `protocol` a backend is taken for a sister of ours, on the port where the client found us. */
function defaultPort({ protocol }: ProxyFields, ownPort: number): number {
  if (protocol === 'lmtp' || protocol === 'smtp') return PORTS[protocol]
  return ownPort === 0 ? PORTS.lmtp : ownPort
}

/** Whole seconds only: that is all Dovecot's LMTP reads. */
function timeoutOf({ timeoutMs }: ProxyFields, raw: ExtraFields): { ms?: number; problem?: string } {
  if (!raw.has('proxy_timeout')) return {}
  const value = raw.get('proxy_timeout') ?? ''
  if (/^0+$/.test(value)) return {}
  if (timeoutMs !== undefined && timeoutMs % 1000 === 0) return { ms: timeoutMs }
  return { problem: `Invalid proxy_timeout value ${value}` }
}

function makeDestination(
  fields: ProxyFields,
  { host, ip, port }: { readonly host: string; readonly ip: string; readonly port: number },
  timeoutMs: number | undefined,
  { settings }: LmtpRouteQuestion,
): LmtpDestination {
  const sourceIp = normalizeIp(fields.sourceIp ?? '')
  return {
    protocol: fields.protocol === 'smtp' ? 'smtp' : 'lmtp',
    host,
    ip,
    port,
    // An address of the other family could only fail.
    ...(sourceIp !== undefined && ipFamily(sourceIp) === ipFamily(ip) ? { sourceIp } : undefined),
    tls: fields.tls,
    verifyCertificate: !fields.anyCert && settings.ssl_client_require_valid_cert,
    ...(fields.haproxy === undefined ? undefined : { haproxy: fields.haproxy }),
    notTrusted: fields.notTrusted,
    ...(timeoutMs === undefined ? undefined : { timeoutMs }),
  }
}
