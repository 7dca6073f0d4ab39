import type { EventName, EventTable, LogLevel, ProxySessionFields } from './events.ts'

export interface LogLine {
  readonly level: LogLevel
  readonly service: string
  readonly text: string
}

type Sentences = { readonly [Name in EventName]: ((fields: EventTable[Name]) => LogLine | undefined) | undefined }

/** What each event says in the text log, in Dovecot's words; events without a sentence are for metrics. */
const SENTENCES: Sentences = {
  connection_opened: undefined,
  login_attempt_finished: undefined,
  auth_query_finished: undefined,
  proxy_session_started: (event) => ({
    level: 'debug',
    service: event.service,
    text: event.line(`${proxyPrefix(event)}Connecting`),
  }),
  proxy_session_reconnecting: (event) => ({
    level: 'debug',
    service: event.service,
    text: event.line(`${proxyPrefix(event)}${event.error} - reconnecting (attempt ${event.attempt})`),
  }),
  login_aborted: (event) => ({ level: 'info', service: event.service, text: event.line(event.text) }),
  login_local: (event) => ({ level: 'info', service: event.service, text: event.line('Login') }),
  proxy_session_established: (event) => ({
    level: 'info',
    service: event.service,
    text: event.line(established(event)),
  }),
  proxy_session_failed: (event) =>
    event.verbose_only
      ? undefined
      : {
          // A backend that refuses a user does its work.
          level: event.class.startsWith('auth') ? 'info' : 'error',
          service: event.service,
          text: event.line(`${proxyPrefix(event)}${event.text}`),
        },
  proxy_session_finished: (event) => ({
    level: 'info',
    service: event.service,
    text: event.line(`${proxyPrefix(event)}${event.text}`),
  }),
  lmtp_recipient_finished: (event) => ({
    level: event.internal ? 'error' : 'info',
    service: event.service,
    text: event.line(event.text),
  }),
  backend_down: (event) => ({
    level: 'warning',
    service: 'proxy',
    text: `backend ${event.ip}:${event.port} is down: ${event.error}`,
  }),
  backend_up: (event) =>
    event.elsewhere === true
      ? undefined
      : {
          level: 'info',
          service: 'proxy',
          text: `backend ${event.ip}:${event.port} is up again after ${Math.round(event.down_ms / 1000)} secs`,
        },
  config_reloaded: (event) => ({
    level: 'info',
    service: 'master',
    text: `Configuration ${event.path} reloaded${event.complaints === 0 ? '' : ` (${event.complaints} warnings)`}`,
  }),
  config_rejected: (event) => ({
    level: 'error',
    service: 'master',
    text: `Configuration ${event.path} not reloaded, keeping the old one: ${event.error}`,
  }),
  worker_started: (event) => ({
    level: 'debug',
    service: 'master',
    text: `Worker ${event.worker} started (pid ${event.pid})`,
  }),
  worker_died: (event) => ({
    level: 'error',
    service: 'master',
    text: `Worker ${event.worker} (pid ${event.pid}) died: ${event.cause}; ${event.sessions} sessions lost, starting another`,
  }),
}

/** Events that only debug logs tell. */
export const DEBUG_EVENTS: ReadonlySet<EventName> = new Set<EventName>([
  'proxy_session_started',
  'proxy_session_reconnecting',
  'worker_started',
])

/** Whether events of this name may have a log line. */
export function hasSentence(name: EventName): boolean {
  return SENTENCES[name] !== undefined
}

/** The log line of an event, or `undefined` when it has none. */
export function sentence<Name extends EventName>(name: Name, fields: EventTable[Name]): LogLine | undefined {
  return SENTENCES[name]?.(fields)
}

function proxyPrefix(event: ProxySessionFields): string {
  // No address yet when the fields themselves were wrong: proxy(joe): host not given
  return event.dest_ip === '' ? `proxy(${event.user}): ` : `proxy(${event.user},${event.dest_ip}:${event.dest_port}): `
}

function established(event: EventTable['proxy_session_established']): string {
  const host = event.dest_host !== '' && event.dest_host !== event.dest_ip ? ` (<${event.dest_host}>)` : ''
  const from = event.source_ip === undefined ? '' : ` from ${event.source_ip}`
  const user = event.dest_user === undefined || event.dest_user === event.user ? '' : ` as user ${event.dest_user}`
  const master = event.master_user === undefined ? '' : ` (master ${event.master_user})`
  const again = event.reconnect_attempts === 0 ? '' : `, ${event.reconnect_attempts} reconnects`
  const secs = seconds(event.connect_ms)
  return `${proxyPrefix(event)}Started proxying to <${event.dest_ip}>${host}${from}${user}${master} (${secs} secs${again})`
}

/** `0.005`: toFixed(3) of the seconds, which every login has in its line, for a tenth of its cost. */
export function seconds(ms: number): string {
  const whole = Math.max(0, Math.round(ms))
  return `${Math.floor(whole / 1000)}.${String(whole % 1000).padStart(3, '0')}`
}
