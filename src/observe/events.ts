/**
 * The table of events: what happens in a Postern process, with its fields. Logs, JSON lines and metrics read it; nobody
 * else makes sentences. Field names are Dovecot's where Dovecot has the event (`proxy_session_*`, `login_aborted`).
 */

/** Fields every event of a login session carries. */
export interface SessionFields {
  /** imap, pop3, submission, sieve, lmtp. */
  readonly protocol: string
  readonly session: string
  readonly remote_ip: string
  readonly remote_port: number
  readonly local_ip: string
  readonly local_port: number
  /** The process part of a log line: imap-login. */
  readonly service: string
  /** The message and `login_log_format_elements`, put together by `login_log_format`: the text log's line. */
  readonly line: (message: string) => string
}

export interface ProxySessionFields extends SessionFields {
  readonly user: string
  readonly dest_host: string
  readonly dest_ip: string
  readonly dest_port: number
  readonly dest_user?: string
  readonly master_user?: string
  readonly source_ip?: string
}

/** Result classes of logins, for metrics: what the client was told. */
export type LoginResult =
  | 'proxied'
  | 'local'
  | 'auth_failed'
  | 'auth_temporary'
  | 'refused'
  | 'proxy_dest_connect_failed'
  | 'proxy_dest_internal_failure'
  | 'proxy_dest_remote_failure'
  | 'proxy_dest_protocol_failure'
  | 'proxy_dest_auth_failed'
  | 'proxy_dest_auth_temp_failed'

export interface EventTable {
  /** A stranger connected. */
  connection_opened: SessionFields
  /** A stranger's connection ended without a session: `text` is Dovecot's `Disconnected: ... (reason)`. */
  login_aborted: SessionFields & { readonly text: string; readonly reason: string; readonly user?: string }
  /** One attempt to log in was answered. */
  login_attempt_finished: SessionFields & {
    readonly user?: string
    readonly mechanism: string
    readonly result: LoginResult
    readonly duration_ms: number
  }
  /** The user was handed to the local mail server. */
  login_local: SessionFields & { readonly user: string }
  /** Connecting to a backend. */
  proxy_session_started: ProxySessionFields
  proxy_session_reconnecting: ProxySessionFields & { readonly attempt: number; readonly error: string }
  /** Dovecot: `Started proxying to ...`. `connect_ms`: from the first connect to the backend's OK. */
  proxy_session_established: ProxySessionFields & {
    readonly duration_ms: number
    readonly connect_ms: number
    readonly reconnect_attempts: number
  }
  /** The backend login failed for good; `text` is the whole message after `proxy(user,ip:port): `. */
  proxy_session_failed: ProxySessionFields & {
    readonly text: string
    readonly class: string
    /** Nobody tried: the backend is known to be dead (`proxy_host_immediate_failure_after`). */
    readonly at_once: boolean
    /** A refusal by the backend while `auth_verbose` is off: no line in the log. */
    readonly verbose_only: boolean
  }
  /** Dovecot: `Disconnected by client|server|proxy ...`. */
  proxy_session_finished: ProxySessionFields & {
    readonly text: string
    readonly disconnect_side: 'client' | 'server' | 'proxy'
    readonly disconnect_reason: string
    readonly error?: string
    readonly idle_secs: number
    /** The client is closed so much later (`login_proxy_max_disconnect_delay`). */
    readonly disconnect_delay_ms: number
    readonly bytes_in: number
    readonly bytes_out: number
    readonly duration_ms: number
  }
  /** LMTP: what became of a recipient's mail. Dovecot: `Sent message to ...`, `Failed to send message to ...`. */
  lmtp_recipient_finished: SessionFields & {
    /** The session with the recipient's number: `SESSION:R2`. */
    readonly transaction_id: string
    readonly rcpt_to: string
    /** The name at the backend. */
    readonly dest_rcpt_to: string
    readonly dest_protocol: 'lmtp' | 'smtp'
    readonly dest_host: string
    readonly dest_ip: string
    readonly dest_port: number
    readonly status_code: number
    readonly enhanced_code?: string
    /** Absent when the mail was taken. */
    readonly error?: string
    /** The backend could not be used, rather than refusing the mail. */
    readonly internal: boolean
    readonly duration_ms: number
    readonly text: string
  }
  /** A backend stopped or started answering. */
  backend_down: { readonly ip: string; readonly port: number; readonly error: string }
  backend_up: {
    readonly ip: string
    readonly port: number
    readonly down_ms: number
    /** Another process found it out, and has told the log. */
    readonly elsewhere?: true
  }
  /** One passdb or userdb query. */
  auth_query_finished: {
    readonly driver: string
    readonly part: 'passdb' | 'userdb'
    readonly result: 'found' | 'unknown' | 'failed'
    readonly duration_ms: number
  }
  config_reloaded: { readonly path: string; readonly complaints: number }
  config_rejected: { readonly path: string; readonly error: string }
  worker_started: { readonly worker: number; readonly pid: number }
  worker_died: { readonly worker: number; readonly pid: number; readonly cause: string; readonly sessions: number }
}

export type EventName = keyof EventTable

export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'fatal' | 'panic'

/** Where events and log lines go. Never throws, never blocks. */
export interface Observer {
  emit<Name extends EventName>(name: Name, fields: EventTable[Name]): void
  /** One line: `SERVICE: LEVEL: text`. Text comes without secrets; control characters are escaped by the sink. */
  log(level: LogLevel, service: string, text: string): void
  /** Whether events of this name are of any use here. Always the same answer; absent: all are. */
  hears?(name: EventName): boolean
}

/** Whether anybody wants events of this name: where every login has one, it is not made for nobody. */
export function hears(observer: Observer, name: EventName): boolean {
  return observer.hears?.(name) ?? true
}

/** Gives every event to each of `sinks`. */
export function combine(sinks: readonly Observer[]): Observer {
  return {
    emit(name, fields) {
      for (const sink of sinks) sink.emit(name, fields)
    },
    log(level, service, text) {
      for (const sink of sinks) sink.log(level, service, text)
    },
    hears: (name) => sinks.some((sink) => hears(sink, name)),
  }
}

/** Forgets everything: for tests and tools. */
export const silent: Observer = combine([])
