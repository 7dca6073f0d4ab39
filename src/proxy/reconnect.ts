import type { ProxyFailureClass } from '../protocols/proxy-failure.ts'

/** What another try would have to fit into. */
export interface Attempts {
  /** Connections made so far. */
  readonly made: number
  /** When the first one was started, and the time now. */
  readonly startedMs: number
  readonly nowMs: number
  /** `login_proxy_timeout` or `proxy_timeout`. */
  readonly timeoutMs: number
  /** `login_proxy_max_reconnects`. */
  readonly maxReconnects: number
}

/** Between a failure and the next try. */
export const RECONNECT_PAUSE_MS = 1_000

/** Less than this left of the time budget, and no further try is made: the pause, and a moment to connect in. */
const LEAST_LEFT_MS = 1_100

/** Whether trying again could help: the backend may be busy or restarting. What is wrong with a setting stays wrong. */
const RETRIED: Readonly<Record<ProxyFailureClass, boolean>> = {
  connect: true,
  remote: true,
  protocol: true,
  'auth-temp': true,
  internal: false,
  'internal-config': false,
  'remote-config': false,
  auth: false,
}

/** Every try has the whole timeout for itself, but is only started while enough of the first one's is left. */
export function mayReconnect(failure: ProxyFailureClass, attempts: Attempts): boolean {
  const leftMs = attempts.startedMs + attempts.timeoutMs - attempts.nowMs
  return RETRIED[failure] && attempts.made <= attempts.maxReconnects && leftMs >= LEAST_LEFT_MS
}
