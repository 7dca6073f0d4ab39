/** A backend as the control socket tells it; times in milliseconds since 1970, 0 for never. */
export interface BackendRow {
  /** `host` fields of its sessions, joined by blanks. */
  readonly hosts: string
  readonly ip: string
  readonly port: string
  readonly state: 'up' | 'down'
  readonly sessions: string
  readonly waiting: string
  readonly lastFailureMs: string
  readonly lastError: string
}

/** What one process knows of a backend. */
export interface BackendView {
  readonly ip: string
  readonly port: number
  readonly up: boolean
  readonly lastSuccessMs: number
  readonly lastFailureMs: number
  readonly lastError: string
  readonly waiting: number
}

/** Sessions of one process at a backend. */
export interface BackendSessions {
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly count: number
}

/** Puts together what all processes know; whoever saw a backend last is right about its state. */
export function mergeBackends(
  views: readonly BackendView[],
  sessions: readonly BackendSessions[],
): readonly BackendRow[] {
  const merged = new Map<string, Merged>()
  const find = (ip: string, port: number): Merged => {
    const key = `${ip} ${port}`
    const known = merged.get(key)
    if (known !== undefined) return known
    const fresh: Merged = { ip, port, views: [], hosts: new Set(), sessions: 0 }
    merged.set(key, fresh)
    return fresh
  }
  for (const view of views) find(view.ip, view.port).views.push(view)
  for (const { host, ip, port, count } of sessions) {
    const backend = find(ip, port)
    backend.hosts.add(host)
    backend.sessions += count
  }
  return [...merged.values()].map(rowOf)
}

interface Merged {
  readonly ip: string
  readonly port: number
  readonly views: BackendView[]
  readonly hosts: Set<string>
  sessions: number
}

function rowOf({ ip, port, views, hosts, sessions }: Merged): BackendRow {
  const newest = views.toSorted((left, right) => seenMs(right) - seenMs(left))[0]
  const failed = views.toSorted((left, right) => right.lastFailureMs - left.lastFailureMs)[0]
  return {
    hosts: [...hosts].sort().join(' '),
    ip,
    port: String(port),
    state: newest?.up === false ? 'down' : 'up',
    sessions: String(sessions),
    waiting: String(views.reduce((sum, { waiting }) => sum + waiting, 0)),
    lastFailureMs: String(failed?.lastFailureMs ?? 0),
    lastError: failed?.lastError ?? '',
  }
}

function seenMs({ lastSuccessMs, lastFailureMs }: BackendView): number {
  return Math.max(lastSuccessMs, lastFailureMs)
}
