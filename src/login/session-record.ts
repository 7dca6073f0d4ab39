import type { AuthOutcome, ExtraFields } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { VariableLookup } from '../config/expand.ts'
import type { Endpoint, TlsInfo } from '../net/byte-stream.ts'
import type { SessionFields } from '../observe/events.ts'
import type { ClientIdentity, Protocol } from '../protocols/protocol.ts'
import { logLineOf } from './log-line.ts'
import type { SessionListing } from './registry.ts'
import { afterAt, beforeAt } from '../util/user-name.ts'

const NO_ALTERNATIVES: ReadonlyMap<string, string> = new Map()

/**
 * What stays known of a session for as long as it lives, proxied or not: enough for its log lines, events and listing. There
 * are as many of these as sessions; nothing big belongs here.
 */
export class SessionRecord {
  readonly protocol: Protocol['name']
  readonly service: string
  readonly listener: string
  readonly realLocal: Endpoint
  readonly realRemote: Endpoint
  readonly startedMs: number
  settings: Settings
  identity: ClientIdentity
  /** After authentication the user's name; before, what the client called itself; empty at first. */
  user = ''
  originalUser = ''
  masterUser: string | undefined
  mechanism = ''
  /** `%c`; while TLS fails also how. */
  secured: string
  tls: TlsInfo | undefined
  /** The process that serves the user's mail, when it is here. */
  mailPid: number | undefined
  /** For `%{passdb:field}`; undefined when the format never asks. */
  passdbFields: ExtraFields | undefined
  #fields: SessionFields | undefined
  #fieldsOf: ClientIdentity | undefined
  readonly #lookup: VariableLookup = (name) => this.#variable(name)

  constructor(start: {
    protocol: Pick<Protocol, 'name' | 'service'>
    listener: string
    identity: ClientIdentity
    realLocal: Endpoint
    realRemote: Endpoint
    startedMs: number
    settings: Settings
    secured: boolean
  }) {
    this.protocol = start.protocol.name
    this.service = start.protocol.service
    this.listener = start.listener
    this.identity = start.identity
    this.realLocal = start.realLocal
    this.realRemote = start.realRemote
    this.startedMs = start.startedMs
    this.settings = start.settings
    this.secured = start.secured ? 'secured' : ''
  }

  /** The databases let the user in. */
  authenticated({ user, originalUser, masterUser, fields }: Extract<AuthOutcome, { kind: 'ok' }>): void {
    this.user = user
    this.originalUser = originalUser
    this.masterUser = masterUser
    // Only for formats that ask: the fields of thousands of sessions are not kept for nothing.
    if (this.settings.login_log_format_elements.includes('{passdb:')) this.passdbFields = fields
  }

  /** A message with what `login_log_format` says about the session. */
  line(message: string): string {
    return logLineOf(this.settings)(message, this.#lookup)
  }

  /** What every event of the session carries: the same object until the identity changes. */
  fields(): SessionFields {
    if (this.#fields === undefined || this.#fieldsOf !== this.identity) {
      this.#fields = this.#makeFields()
      this.#fieldsOf = this.identity
    }
    return this.#fields
  }

  #makeFields(): SessionFields {
    const { session, remote, local } = this.identity
    return {
      protocol: this.protocol,
      service: this.service,
      session,
      remote_ip: remote.ip,
      remote_port: remote.port,
      local_ip: local.ip,
      local_port: local.port,
      line: (message) => this.line(message),
    }
  }

  /** As plain data, for who, kick and proxy list. */
  describe(state: SessionListing['state']): SessionListing {
    const { session, remote, local } = this.identity
    return {
      protocol: this.protocol,
      session,
      user: this.user,
      alternatives: NO_ALTERNATIVES,
      state,
      remoteIp: remote.ip,
      remotePort: remote.port,
      localIp: local.ip,
      localPort: local.port,
      startedMs: this.startedMs,
    }
  }

  #variable(name: string): string | undefined {
    const field = VARIABLES.get(name)
    if (field !== undefined) return field(this)
    if (name.startsWith('passdb:')) return this.passdbFields?.get(name.slice(7))
    return BUILTIN.has(name) ? undefined : `UNSUPPORTED_VARIABLE_${name}`
  }
}

/** Filled in by the template language itself. */
const BUILTIN: ReadonlySet<string> = new Set(['pid', 'uid', 'gid', 'hostname'])

type Variable = (record: SessionRecord) => string

const VARIABLES: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ['user', ({ user }) => user],
  ['username', ({ user }) => beforeAt(user)],
  ['domain', ({ user }) => afterAt(user)],
  ['service', ({ protocol }) => protocol],
  ['lip', ({ identity }) => identity.local.ip],
  ['rip', ({ identity }) => identity.remote.ip],
  ['lport', ({ identity }) => String(identity.local.port)],
  ['rport', ({ identity }) => String(identity.remote.port)],
  ['real_lip', ({ realLocal }) => realLocal.ip],
  ['real_rip', ({ realRemote }) => realRemote.ip],
  ['real_lport', ({ realLocal }) => String(realLocal.port)],
  ['real_rport', ({ realRemote }) => String(realRemote.port)],
  ['mech', ({ mechanism }) => mechanism],
  ['secured', ({ secured }) => secured],
  ['ssl_security', ({ tls }) => (tls === undefined ? '' : describeTls(tls))],
  // A proxied session has none.
  ['mail_pid', ({ mailPid }) => (mailPid === undefined ? '' : String(mailPid))],
  ['session', ({ identity }) => identity.session],
  ['orig_user', ({ originalUser }) => originalUser],
  ['orig_username', ({ originalUser }) => beforeAt(originalUser)],
  ['orig_domain', ({ originalUser }) => afterAt(originalUser)],
  ['auth_user', (record) => authUser(record)],
  ['auth_username', (record) => beforeAt(authUser(record))],
  ['auth_domain', (record) => afterAt(authUser(record))],
  ['listener', ({ listener }) => listener],
  ['local_name', ({ identity }) => identity.localName ?? ''],
])

function authUser({ masterUser, originalUser }: SessionRecord): string {
  return masterUser ?? originalUser
}

/** As OpenSSL programs write it: `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)`. */
function describeTls({ protocol, cipher, bits }: TlsInfo): string {
  return `${protocol} with cipher ${cipher} (${bits}/${bits} bits)`
}
