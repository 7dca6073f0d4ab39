/** A session as the control socket tells it: texts by name. Fields of the passdb that begin with `user_` keep their names. */
export type SessionRow = Readonly<Record<string, string>>

/** What `who`, `proxy list` and others make their listings from. */
export interface NamedSession {
  readonly user: string
  readonly service: string
  readonly state: string
  readonly pid: string
  readonly session: string
  readonly remoteIp: string
  readonly remotePort: string
  readonly localIp: string
  readonly localPort: string
  readonly destHost: string
  readonly destIp: string
  readonly destPort: string
  readonly destUser: string
  /** Milliseconds since 1970. */
  readonly started: string
  readonly alternatives: ReadonlyMap<string, string>
}

/** The two notations of a session are twins: `readSessionRow(writeSessionRow(x))` is x. */
export function writeSessionRow({ alternatives, user, ...texts }: NamedSession): SessionRow {
  return { username: user, ...texts, ...Object.fromEntries(alternatives) }
}

export function readSessionRow(row: SessionRow): NamedSession {
  const text = (name: string): string => row[name] ?? ''
  return {
    user: text('username'),
    service: text('service'),
    state: text('state'),
    pid: text('pid'),
    session: text('session'),
    remoteIp: text('remoteIp'),
    remotePort: text('remotePort'),
    localIp: text('localIp'),
    localPort: text('localPort'),
    destHost: text('destHost'),
    destIp: text('destIp'),
    destPort: text('destPort'),
    destUser: text('destUser'),
    started: text('started'),
    alternatives: new Map(Object.entries(row).filter(([name]) => name.startsWith('user_'))),
  }
}

/** By name, then protocol, then address: the same listing every time. */
export function compareSessions(left: NamedSession, right: NamedSession): number {
  return (
    compareTexts(left.user, right.user) ||
    compareTexts(left.service, right.service) ||
    compareTexts(left.remoteIp, right.remoteIp) ||
    Number(left.remotePort) - Number(right.remotePort)
  )
}

export function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
