import type { Observer } from '../observe/events.ts'

/**
 * What is known of the backends: who answers, who does not. One table a process; the interface carries plain data, so that
 * workers can share one.
 */
export interface BackendHosts {
  /** A connect begins. The answer `false` means: somebody else already waits for this dead host, fail at once. */
  begin(ip: string, port: number, immediateFailureAfterMs: number): boolean
  /** The connect that `begin` allowed came through. */
  connected(ip: string, port: number): void
  /** It failed. One that began before another came through says nothing, as in Dovecot. */
  failed(ip: string, port: number, error: string, begunMs: number): void
  /** The backend has answered a login, whatever it said. */
  answered(ip: string, port: number): void
  /** It did not answer a login in time: down, unless it answered another one meanwhile. Nobody fails at once for that. */
  silent(ip: string, port: number, error: string, begunMs: number): void
  /** It no longer waits, whatever came of it: exactly once after each `begin`. */
  end(ip: string, port: number): void
  list(): readonly BackendState[]
  /** Another process found this out. */
  learn(news: BackendNews): void
}

/** What one process tells the others about a backend that does not answer, or answers again. Times in milliseconds since 1970. */
export interface BackendNews {
  readonly ip: string
  readonly port: number
  readonly lastSuccessMs: number
  readonly lastFailureMs: number
  /** Of the last connect that failed. */
  readonly lastUnreachableMs: number
  /** Absent when it answers. */
  readonly downSinceMs?: number
  readonly lastError: string
  /** Somebody is trying whether it is still dead, so nobody else has to. */
  readonly probing: boolean
}

export interface BackendState {
  readonly ip: string
  readonly port: number
  readonly up: boolean
  readonly lastSuccessMs: number
  /** 0 when there never was one. */
  readonly lastFailureMs: number
  readonly lastError: string
  /** Logins that wait for this backend now. */
  readonly waiting: number
}

/** Backends are few; when a database names more than this, those not in use are forgotten, oldest first. */
const MAX_HOSTS = 10_000

/** A probe of another process that was not heard of for so long is over: that process may be gone. */
const PROBE_MS = 60_000
/** A failure is told to the others at most this often: they need to know the fact, not the number. */
const TELL_PAUSE_MS = 250

interface Host {
  readonly ip: string
  readonly port: number
  /** Until it has answered, when we first heard of it. */
  lastSuccessMs: number
  hasAnswered: boolean
  lastFailureMs: number
  lastUnreachableMs: number
  lastAnswerMs: number
  downSinceMs: number | undefined
  lastError: string
  waiting: number
  /** The others know that we try. */
  probing: boolean
  probedElsewhereUntilMs: number
  toldAtMs: number
}

/** State of one process; `tell` reaches the others. `now` in milliseconds since 1970. */
export function createBackendHosts(
  observer: Observer,
  now: () => number = Date.now,
  tell: (news: BackendNews) => void = () => undefined,
): BackendHosts {
  const hosts = new Map<string, Host>()
  /** The one asked for last: every login asks three times. */
  let last: Host | undefined
  const find = (ip: string, port: number): Host => {
    if (last?.port !== port || last.ip !== ip) last = lookUp(ip, port)
    return last
  }
  const lookUp = (ip: string, port: number): Host => {
    const key = `${ip} ${port}`
    const known = hosts.get(key)
    if (known !== undefined) return known
    if (hosts.size >= MAX_HOSTS) forgetOne(hosts)
    // A host never seen counts as just having answered: nothing fails at once before it had its chance.
    const host: Host = {
      ip,
      port,
      lastSuccessMs: now() - 1000,
      hasAnswered: false,
      lastFailureMs: 0,
      lastUnreachableMs: 0,
      lastAnswerMs: 0,
      downSinceMs: undefined,
      lastError: '',
      waiting: 0,
      probing: false,
      probedElsewhereUntilMs: 0,
      toldAtMs: 0,
    }
    hosts.set(key, host)
    return host
  }
  const tellAbout = (host: Host, probing: boolean): void => {
    host.probing = probing
    host.toldAtMs = now()
    tell(newsOf(host))
  }
  const markDown = (host: Host, error: string): void => {
    const { ip, port } = host
    host.lastFailureMs = now()
    host.lastError = error
    const wasDown = host.downSinceMs !== undefined
    host.downSinceMs ??= host.lastFailureMs
    if (host.probing || now() - host.toldAtMs >= TELL_PAUSE_MS) tellAbout(host, false)
    if (!wasDown) observer.emit('backend_down', { ip, port, error })
  }
  return {
    begin(ip, port, immediateFailureAfterMs) {
      const host = find(ip, port)
      host.waiting++
      const deadMs = host.lastUnreachableMs - host.lastSuccessMs
      if (immediateFailureAfterMs === 0 || deadMs <= immediateFailureAfterMs) return true
      if (host.waiting > 1 || host.probedElsewhereUntilMs > now()) return false
      tellAbout(host, true)
      return true
    },
    connected(ip, port) {
      const host = find(ip, port)
      host.lastSuccessMs = now()
      host.hasAnswered = true
      if (host.downSinceMs === undefined) return
      observer.emit('backend_up', { ip, port, down_ms: host.lastSuccessMs - host.downSinceMs })
      host.downSinceMs = undefined
      tellAbout(host, false)
    },
    failed(ip, port, error, begunMs) {
      const host = find(ip, port)
      if (host.hasAnswered && host.lastSuccessMs > begunMs) return
      host.lastUnreachableMs = now()
      markDown(host, error)
    },
    answered(ip, port) {
      find(ip, port).lastAnswerMs = now()
    },
    silent(ip, port, error, begunMs) {
      const host = find(ip, port)
      if (host.lastAnswerMs <= begunMs) markDown(host, error)
    },
    end(ip, port) {
      const host = find(ip, port)
      host.waiting = Math.max(0, host.waiting - 1)
      // Whoever tried left before there was an answer.
      if (host.waiting === 0 && host.probing) tellAbout(host, false)
    },
    list: () => [...hosts.values()].map(stateOf),
    learn(news) {
      const host = find(news.ip, news.port)
      const isNewer =
        Math.max(news.lastSuccessMs, news.lastFailureMs) >= Math.max(host.lastSuccessMs, host.lastFailureMs)
      if (isNewer) {
        // The metrics of the process that found it down would say so for good.
        if (host.downSinceMs !== undefined && news.downSinceMs === undefined) {
          const down_ms = news.lastSuccessMs - host.downSinceMs
          observer.emit('backend_up', { ip: news.ip, port: news.port, down_ms, elsewhere: true })
        }
        host.downSinceMs = news.downSinceMs
      }
      if (news.lastFailureMs > host.lastFailureMs) host.lastError = news.lastError
      // A moment that was only assumed must not hide how long it is dead.
      host.lastSuccessMs = host.hasAnswered ? Math.max(host.lastSuccessMs, news.lastSuccessMs) : news.lastSuccessMs
      host.lastFailureMs = Math.max(host.lastFailureMs, news.lastFailureMs)
      host.lastUnreachableMs = Math.max(host.lastUnreachableMs, news.lastUnreachableMs)
      host.probedElsewhereUntilMs = news.probing ? now() + PROBE_MS : 0
    },
  }
}

function stateOf({ ip, port, downSinceMs, lastSuccessMs, lastFailureMs, lastError, waiting }: Host): BackendState {
  return { ip, port, up: downSinceMs === undefined, lastSuccessMs, lastFailureMs, lastError, waiting }
}

function newsOf(host: Host): BackendNews {
  const { ip, port, lastSuccessMs, lastFailureMs, lastUnreachableMs, downSinceMs, lastError, probing } = host
  return {
    ip,
    port,
    lastSuccessMs,
    lastFailureMs,
    lastUnreachableMs,
    ...(downSinceMs === undefined ? undefined : { downSinceMs }),
    lastError,
    probing,
  }
}

function forgetOne(hosts: Map<string, Host>): void {
  for (const [key, host] of hosts) {
    if (host.waiting > 0) continue
    hosts.delete(key)
    return
  }
}
