import type { ByteStream } from '../net/byte-stream.ts'
import type { Observer } from '../observe/events.ts'
import type { ProxyTarget } from '../protocols/protocol.ts'
import { type Destination, destinationOf, type ProxyClient, proxySessionFields } from './client.ts'
import type { BackendConnection } from './connect.ts'
import type { DisconnectDelay } from './disconnect-delay.ts'
import type { ProxyFields } from './fields.ts'
import type { UserReports } from './refresh.ts'
import { type RelayEnd, type RelaySession, relay } from './relay.ts'

/** Dovecot: a session counts as idle for a shutdown after two seconds of silence. */
const SHUTDOWN_IDLE_MS = 2_000

export interface SessionAccess {
  readonly observer: Observer
  readonly now: () => number
  /** For a `login_proxy_max_disconnect_delay` of so many milliseconds. */
  readonly disconnectDelay: (maxDelayMs: number) => DisconnectDelay
  readonly reports: UserReports
}

/** A backend that let the user in. */
export interface Followed {
  readonly connection: BackendConnection
  readonly target: ProxyTarget
  readonly fields: ProxyFields
}

/** The same, waiting for its client. */
export class ProxyBackend {
  readonly #access: SessionAccess
  readonly #client: ProxyClient
  readonly #followed: Followed

  constructor(access: SessionAccess, client: ProxyClient, followed: Followed) {
    this.#access = access
    this.#client = client
    this.#followed = followed
  }

  /** Joins client and backend until either leaves. `onEnded` runs when the session is no longer to be listed. */
  join(client: ByteStream, onEnded: () => void): ProxiedSession {
    const { connection, target, fields } = this.#followed
    const session = new ProxiedSession(this.#access, this.#client, {
      backend: destinationOf(target),
      alternatives: fields.alternatives,
      sourceIp: connection.sourceIp,
    })
    session.start(client, connection.stream, { ...connection, onEnded, refreshSecs: fields.refreshSecs })
    return session
  }

  /** The client is gone. */
  discard(): void {
    this.#followed.connection.stream.destroy()
  }
}

/** A proxied session. There are as many as users: it holds on to nothing that only the login needed. */
export class ProxiedSession {
  readonly backend: Destination
  /** `user_*` fields of the passdb. */
  readonly alternatives: ReadonlyMap<string, string>
  readonly #access: SessionAccess
  readonly #client: ProxyClient
  readonly #sourceIp: string | undefined
  #relay: RelaySession | undefined
  #onEnded: (() => void) | undefined

  constructor(
    access: SessionAccess,
    client: ProxyClient,
    login: { backend: Destination; alternatives: ReadonlyMap<string, string>; sourceIp: string | undefined },
  ) {
    this.#access = access
    this.#client = client
    this.backend = login.backend
    this.alternatives = login.alternatives
    this.#sourceIp = login.sourceIp
  }

  start(
    client: ByteStream,
    backend: ByteStream,
    login: { connectMs: number; reconnects: number; onEnded: () => void; refreshSecs: number | undefined },
  ): void {
    const { connectMs, reconnects, refreshSecs } = login
    const { observer, now, disconnectDelay, reports } = this.#access
    const { settings, startedMs } = this.#client
    observer.emit('proxy_session_established', {
      ...proxySessionFields(this.#client, this.backend, this.#sourceIp),
      duration_ms: now() - startedMs,
      connect_ms: connectMs,
      reconnect_attempts: reconnects,
    })
    const stopReports = refreshSecs === undefined ? undefined : reports.begin(settings, this.backend.user, refreshSecs)
    this.#onEnded = login.onEnded
    const maxDelayMs = settings.login_proxy_max_disconnect_delay
    const delay = maxDelayMs === 0 ? undefined : disconnectDelay(maxDelayMs)
    delay?.opened(this.#address)
    this.#relay = relay(client.detach(), backend.detach(), {
      onEnd: (end) => {
        stopReports?.()
        delay?.closed(this.#address)
        this.#ended(end)
      },
      ...(delay === undefined ? undefined : { disconnectDelay: (cut) => delay.delay(this.#address, cut) }),
    })
  }

  /** Ends it now; `reason` in Dovecot's words: `Kicked by admin`. */
  kick(reason: string): void {
    this.#relay?.kick(reason)
  }

  /** Ends it as soon as it is idle: the process stops. */
  endWhenIdle(reason: string): void {
    this.#relay?.closeWhenIdle(SHUTDOWN_IDLE_MS, reason)
  }

  get #address(): string {
    return `${this.backend.ip}:${this.backend.port}`
  }

  #ended(end: RelayEnd): void {
    const { observer, now } = this.#access
    observer.emit('proxy_session_finished', {
      ...proxySessionFields(this.#client, this.backend, this.#sourceIp),
      text: describeEnd(end),
      disconnect_side: end.side,
      disconnect_reason: end.reason,
      ...(end.error === undefined ? undefined : { error: end.reason }),
      idle_secs: end.idleSecs,
      disconnect_delay_ms: end.delayMs,
      bytes_in: end.bytesIn,
      bytes_out: end.bytesOut,
      duration_ms: now() - this.#client.startedMs,
    })
    this.#onEnded?.()
    this.#onEnded = undefined
  }
}

/** `Disconnected by client (1s idle, in=242, out=272)`. */
export function describeEnd(end: Omit<RelayEnd, 'error'>): string {
  const reason = end.reason === '' ? '' : `: ${end.reason}`
  const buffered = end.bufferedToClient === 0 ? '' : `+${end.bufferedToClient}`
  const blocked = end.clientOutputBlocked ? ', client output blocked' : ''
  const delay = end.delayMs === 0 ? '' : ` - disconnecting client in ${end.delayMs}ms`
  const counts = `(${end.idleSecs}s idle, in=${end.bytesIn}, out=${end.bytesOut}${buffered}${blocked})`
  return `Disconnected by ${end.side}${reason} ${counts}${delay}`
}
