import type { ExtraFields } from '../auth/auth.ts'
import { parseDurationMs } from '../config/value/duration.ts'
import { Secret } from '../util/secret.ts'

/**
 * The extra fields of a passdb that say where a session goes, read into types. Rules to keep: a boolean field is true when
 * it is present, whatever its value; an empty `destuser`, `master` or `hostip` is as good as absent; the order of the
 * fields never matters; a value that makes no sense is a problem with Dovecot's words, and its default is used.
 */
export interface ProxyFields {
  readonly proxy: boolean
  readonly proxyMaybe: boolean
  readonly proxyAlways: boolean
  readonly nologin: boolean
  readonly reason: string | undefined
  /** Undefined when absent or empty. */
  readonly host: string | undefined
  /** As it came; `route.ts` refuses what is no address. */
  readonly hostip: string | undefined
  /** Undefined when absent or out of range: then the default of the protocol and TLS mode applies. */
  readonly port: number | undefined
  readonly sourceIp: string | undefined
  /** LMTP: `lmtp` or `smtp`. */
  readonly protocol: string | undefined
  readonly destuser: string | undefined
  readonly master: string | undefined
  readonly pass: Secret | undefined
  /** SASL mechanism, upper case; `%M` (from `%m`) is the client's own. */
  readonly mechanism: string | undefined
  readonly tls: 'none' | 'implicit' | 'starttls'
  /** The value of `ssl` or `starttls` was `any-cert`. */
  readonly anyCert: boolean
  /** Undefined when absent, zero or wrong: then `login_proxy_timeout`. */
  readonly timeoutMs: number | undefined
  readonly refreshSecs: number | undefined
  readonly immediateFailureAfterMs: number
  readonly nopipelining: boolean
  readonly notTrusted: boolean
  readonly noauth: boolean
  readonly haproxy: 'v1' | 'v2' | undefined
  /** `forward_KEY`, prefix removed; null is a key without a value. */
  readonly forward: ReadonlyMap<string, string | null>
  /** `user_KEY`: other names of the user, for listing and kicking; prefix kept. */
  readonly alternatives: ReadonlyMap<string, string>
  /** Set when no default can stand in for a wrong value: what is wrong. */
  readonly unusable: string | undefined
}

/** Dovecot's default of `proxy_host_immediate_failure_after`. */
export const IMMEDIATE_FAILURE_AFTER_MS = 30_000

/** Timers cannot wait longer (2^31-1 ms); nobody means to. */
const LONGEST_TIMEOUT_MS = 2_147_483_647

/** Reads the fields once. Never throws. */
export function parseProxyFields(fields: ExtraFields): {
  readonly fields: ProxyFields
  /** The operator's lines, in Dovecot's words. */
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  const reader = new FieldReader(fields, problems)
  const { forward, alternatives } = prefixedFields(fields)
  return {
    problems,
    fields: {
      proxy: fields.has('proxy'),
      proxyMaybe: fields.has('proxy_maybe'),
      proxyAlways: fields.has('proxy_always'),
      nologin: fields.has('nologin'),
      reason: reader.text('reason'),
      host: reader.text('host'),
      hostip: reader.text('hostip'),
      port: reader.port(),
      sourceIp: reader.text('source_ip'),
      protocol: reader.text('protocol'),
      destuser: reader.text('destuser'),
      master: reader.text('master'),
      // An empty `pass` is a password: the empty one.
      pass: reader.secret('pass'),
      mechanism: reader.text('proxy_mech')?.toUpperCase(),
      tls: reader.tlsMode(),
      anyCert: fields.get('ssl') === 'any-cert' || fields.get('starttls') === 'any-cert',
      timeoutMs: reader.timeout(),
      refreshSecs: reader.refresh(),
      immediateFailureAfterMs: reader.immediateFailureAfter(),
      nopipelining: fields.has('proxy_nopipelining'),
      notTrusted: fields.has('proxy_not_trusted'),
      noauth: fields.has('proxy_noauth'),
      haproxy: reader.haproxy(),
      forward,
      alternatives,
      unusable: reader.unusable(),
    },
  }
}

class FieldReader {
  readonly #fields: ExtraFields
  readonly #problems: string[]

  constructor(fields: ExtraFields, problems: string[]) {
    this.#fields = fields
    this.#problems = problems
  }

  text(name: string): string | undefined {
    const value = this.#fields.get(name)
    return value === '' ? undefined : value
  }

  secret(name: string): Secret | undefined {
    const value = this.#fields.get(name)
    return value === undefined ? undefined : new Secret(value)
  }

  /** Both at once: STARTTLS, as the connection then still ends up encrypted where the port says so. */
  tlsMode(): 'none' | 'implicit' | 'starttls' {
    if (this.#fields.has('starttls')) return 'starttls'
    return this.#fields.has('ssl') ? 'implicit' : 'none'
  }

  port(): number | undefined {
    const value = this.#fields.get('port')
    if (value === undefined) return undefined
    const port = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0
    if (port >= 1 && port <= 65_535) return port
    this.#problems.push(`Auth service returned invalid port number: ${value}`)
    return undefined
  }

  /** A bare number is seconds, from before there were units. */
  timeout(): number | undefined {
    const value = this.#fields.get('proxy_timeout')
    if (value === undefined) return undefined
    const ms = /^[0-9]+$/.test(value) ? Number(value) * 1000 : this.#duration('proxy_timeout', value)
    return ms === undefined || ms === 0 ? undefined : Math.min(ms, LONGEST_TIMEOUT_MS)
  }

  immediateFailureAfter(): number {
    const value = this.#fields.get('proxy_host_immediate_failure_after')
    if (value === undefined) return IMMEDIATE_FAILURE_AFTER_MS
    return this.#duration('proxy_host_immediate_failure_after', value) ?? IMMEDIATE_FAILURE_AFTER_MS
  }

  refresh(): number | undefined {
    const value = this.#fields.get('proxy_refresh')
    if (value === undefined) return undefined
    if (/^[0-9]{1,9}$/.test(value)) return Number(value) === 0 ? undefined : Number(value)
    this.#problems.push(`BUG: Auth service returned invalid proxy_refresh value: ${value}`)
    return undefined
  }

  haproxy(): 'v1' | 'v2' | undefined {
    const value = this.#fields.get('haproxy')
    return value === 'v1' || value === 'v2' ? value : undefined
  }

  /** A backend that waits for the other PROXY header, or for one at all, would hang. */
  unusable(): string | undefined {
    const value = this.#fields.get('haproxy')
    return value === undefined || value === 'v1' || value === 'v2' ? undefined : `Unknown haproxy version ${value}`
  }

  #duration(name: string, value: string): number | undefined {
    const read = parseDurationMs(value)
    if (read.ok) return read.value
    this.#problems.push(`BUG: Auth service returned invalid ${name} value '${value}': ${read.error}`)
    return undefined
  }
}

const NO_FORWARD: ReadonlyMap<string, string | null> = new Map()
const NO_ALTERNATIVES: ReadonlyMap<string, string> = new Map()

function prefixedFields(fields: ExtraFields): Pick<ProxyFields, 'forward' | 'alternatives'> {
  let forward: Map<string, string | null> | undefined
  let alternatives: Map<string, string> | undefined
  for (const [name, value] of fields) {
    if (name.startsWith('forward_') && name.length > 8) {
      forward ??= new Map()
      forward.set(name.slice(8), value === '' || value === 'NIL' ? null : value)
    } else if (name.startsWith('user_') && name.length > 5) {
      alternatives ??= new Map()
      alternatives.set(name, value)
    }
  }
  return { forward: forward ?? NO_FORWARD, alternatives: alternatives ?? NO_ALTERNATIVES }
}
