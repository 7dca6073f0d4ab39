import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { EventTable, Observer, ProxySessionFields } from './events.ts'

/** Metrics of one process, as JSON that other processes can add up. */
export interface Metrics extends Observer {
  snapshot(): Promise<object[]>
}

/** Seconds; logins are milliseconds when all is well and a minute when a backend is not. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Turns events into Prometheus metrics. One registry a process; no user names, so that label sets stay small. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  const meters = openMeters([registry])
  const handlers = handlersFor(meters)
  return {
    log() {},
    emit(name, fields) {
      // The table below has one handler a name; the compiler cannot follow the correlation through the index.
      const handler = handlers[name] as ((event: typeof fields) => void) | undefined
      handler?.(fields)
    },
    hears: (name) => handlers[name] !== undefined,
    snapshot: async () => (await registry.getMetricsAsJSON()) as object[],
  }
}

/** The text Prometheus reads, of all processes together. */
export async function mergeMetrics(snapshots: readonly object[][]): Promise<string> {
  const merged = Registry.aggregate(snapshots as Parameters<typeof Registry.aggregate>[0])
  return await merged.metrics()
}

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

function openMeters(registers: Registry[]) {
  return {
    connections: new Counter({
      name: 'postern_connections_total',
      help: 'Client connections accepted',
      labelNames: ['protocol'] as const,
      registers,
    }),
    logins: new Counter({
      name: 'postern_logins_total',
      help: 'Login attempts by what the client was told',
      labelNames: ['protocol', 'result'] as const,
      registers,
    }),
    loginSeconds: new Histogram({
      name: 'postern_login_seconds',
      help: 'From the credentials to the answer',
      labelNames: ['protocol', 'result'] as const,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    sessions: new Gauge({
      name: 'postern_proxy_sessions',
      help: 'Proxied sessions now',
      labelNames: ['protocol', 'backend'] as const,
      registers,
    }),
    connectSeconds: new Histogram({
      name: 'postern_proxy_connect_seconds',
      help: "From the first connect to the backend's answer to the login",
      labelNames: ['protocol', 'backend'] as const,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    reconnects: new Counter({
      name: 'postern_proxy_reconnects_total',
      help: 'Backend logins that were tried again',
      labelNames: ['protocol', 'backend'] as const,
      registers,
    }),
    failures: new Counter({
      name: 'postern_proxy_failures_total',
      help: 'Backend logins that failed for good, by class',
      labelNames: ['protocol', 'backend', 'class'] as const,
      registers,
    }),
    fastFailures: new Counter({
      name: 'postern_proxy_fast_failures_total',
      help: 'Backend logins that failed at once, as somebody else was trying the dead backend',
      labelNames: ['protocol', 'backend'] as const,
      registers,
    }),
    disconnectDelay: new Histogram({
      name: 'postern_proxy_disconnect_delay_seconds',
      help: 'How much later than its backend a client was cut off, where that was to be spread',
      labelNames: ['protocol', 'backend'] as const,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    bytes: new Counter({
      name: 'postern_proxy_bytes_total',
      help: 'Bytes relayed, counted when a session ends: in = to the backend, out = to the client',
      labelNames: ['protocol', 'direction'] as const,
      registers,
    }),
    disconnects: new Counter({
      name: 'postern_proxy_disconnects_total',
      help: 'Proxied sessions ended, by who ended them',
      labelNames: ['protocol', 'side'] as const,
      registers,
    }),
    recipientSeconds: new Histogram({
      name: 'postern_lmtp_recipient_seconds',
      help: "LMTP: from connecting to the backend's answer to the message, by what became of it",
      labelNames: ['backend', 'result'] as const,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    backendUp: new Gauge({
      name: 'postern_backend_up',
      help: '0 while a backend fails to answer',
      labelNames: ['backend'] as const,
      registers,
      aggregator: 'min',
    }),
    authQueries: new Histogram({
      name: 'postern_auth_query_seconds',
      help: 'passdb and userdb queries',
      labelNames: ['part', 'driver', 'result'] as const,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
  }
}

function backendOf(event: ProxySessionFields): string {
  return `${event.dest_ip}:${event.dest_port}`
}

function handlersFor(meters: ReturnType<typeof openMeters>): {
  [Name in keyof EventTable]?: (event: EventTable[Name]) => void
} {
  return {
    connection_opened: (event) => meters.connections.inc({ protocol: event.protocol }),
    login_attempt_finished(event) {
      const labels = { protocol: event.protocol, result: event.result }
      meters.logins.inc(labels)
      meters.loginSeconds.observe(labels, event.duration_ms / 1000)
    },
    proxy_session_established(event) {
      const labels = { protocol: event.protocol, backend: backendOf(event) }
      meters.sessions.inc(labels)
      meters.connectSeconds.observe(labels, event.connect_ms / 1000)
    },
    proxy_session_reconnecting: (event) =>
      meters.reconnects.inc({ protocol: event.protocol, backend: backendOf(event) }),
    proxy_session_failed(event) {
      const labels = { protocol: event.protocol, backend: backendOf(event) }
      meters.failures.inc({ ...labels, class: event.class })
      if (event.at_once) meters.fastFailures.inc(labels)
    },
    proxy_session_finished(event) {
      meters.sessions.dec({ protocol: event.protocol, backend: backendOf(event) })
      if (event.disconnect_delay_ms > 0)
        meters.disconnectDelay.observe(
          { protocol: event.protocol, backend: backendOf(event) },
          event.disconnect_delay_ms / 1000,
        )
      meters.disconnects.inc({ protocol: event.protocol, side: event.disconnect_side })
      meters.bytes.inc({ protocol: event.protocol, direction: 'in' }, event.bytes_in)
      meters.bytes.inc({ protocol: event.protocol, direction: 'out' }, event.bytes_out)
    },
    lmtp_recipient_finished(event) {
      const backend = `${event.dest_ip}:${event.dest_port}`
      meters.recipientSeconds.observe({ backend, result: recipientResult(event) }, event.duration_ms / 1000)
    },
    backend_down: (event) => meters.backendUp.set({ backend: `${event.ip}:${event.port}` }, 0),
    backend_up: (event) => meters.backendUp.set({ backend: `${event.ip}:${event.port}` }, 1),
    auth_query_finished: (event) =>
      meters.authQueries.observe(
        { part: event.part, driver: event.driver, result: event.result },
        event.duration_ms / 1000,
      ),
  }
}

/** Few words, as label sets stay small: taken, refused for good, refused for now, or the backend was of no use. */
function recipientResult(event: EventTable['lmtp_recipient_finished']): string {
  if (event.error === undefined) return 'sent'
  if (event.internal) return 'failed'
  return event.status_code >= 500 ? 'refused' : 'deferred'
}
