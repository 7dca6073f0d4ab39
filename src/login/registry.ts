import type { ProtocolName } from '../protocols/protocol.ts'
import { LiveList, type Place } from '../util/live-list.ts'

/** A session as plain data, for who, kick and proxy list. */
export interface SessionListing {
  readonly protocol: ProtocolName
  readonly session: string
  /** Empty until a name is known. */
  readonly user: string
  /** `user_*` fields of the passdb, prefix kept. */
  readonly alternatives: ReadonlyMap<string, string>
  readonly state: 'login' | 'backend-login' | 'proxied' | 'local'
  readonly remoteIp: string
  readonly remotePort: number
  readonly localIp: string
  readonly localPort: number
  /** Absent before there is a backend. */
  readonly backend?: ListedBackend
  readonly startedMs: number
}

/** The `host` field, where it led, and the name there. */
export interface ListedBackend {
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly user: string
}

/** A live session as the registry sees it. */
export interface ListedSession {
  describe(): SessionListing
  /** Ends it; `reason` in Dovecot's words: `Kicked by admin`. */
  kick(reason: string): void
}

/** All sessions of this process, from the first byte to the last. */
export class SessionRegistry {
  readonly #sessions = new LiveList<ListedSession>()

  get sessions(): Iterable<ListedSession> {
    return this.#sessions.all()
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Returns its place, for `remove`. */
  add(session: ListedSession): Place<ListedSession> {
    return this.#sessions.add(session)
  }

  remove(place: Place<ListedSession>): void {
    this.#sessions.remove(place)
  }

  list(): SessionListing[] {
    return this.#sessions.all().map((session) => session.describe())
  }

  /** Ends the sessions that `matches` chooses; returns how many. */
  kick(matches: (listing: SessionListing) => boolean, reason: string): number {
    const chosen = this.#sessions.all().filter((session) => matches(session.describe()))
    for (const session of chosen) session.kick(reason)
    return chosen.length
  }
}
