import { type RemotePlace, RemoteUnavailable } from '../../../remote-mail.ts'
import { noteAway, noteBack } from './away-servers.ts'
import type { RemoteConnection } from './connection.ts'
import { REMOTE_LIMITS } from './limits.ts'
import { openConnection } from './open-connection.ts'

/** The connections of one session to other servers: one a place, kept for a while, and not too many. */
export class RemoteConnections {
  readonly #open = new Map<string, RemoteConnection>()
  readonly #ending = new AbortController()
  #sweep: NodeJS.Timeout | undefined
  #refused = 0
  /** The one that must stay: its mailbox is selected. */
  pinned: RemoteConnection | undefined

  /** The connection that is there, or a new one. Rejects with RemoteUnavailable or RemoteLost. */
  async to(place: RemotePlace, limitMs?: number): Promise<RemoteConnection> {
    const known = this.#open.get(place.prefix)
    if (known !== undefined && (!known.isOver || known === this.pinned)) return known
    if (known !== undefined) this.drop(known)
    if (this.#refused >= REMOTE_LIMITS.refusedLogins)
      throw new RemoteUnavailable('too many logins were refused', { isRefusal: true })
    const { signal } = this.#ending
    const deadline = limitMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
    const connection = await openConnection(place, deadline).catch((error: unknown) => this.#note(place, error))
    noteBack(place.server)
    if (signal.aborted) connection.destroy()
    this.#makeRoom()
    this.#open.set(place.prefix, connection)
    this.#sweep ??= setInterval(() => this.#closeIdle(), REMOTE_LIMITS.keepMs / 2).unref()
    return connection
  }

  /** There is one already. */
  has(place: RemotePlace): boolean {
    return this.#open.has(place.prefix)
  }

  /** Forgets a connection that is of no use. */
  drop(connection: RemoteConnection): void {
    connection.destroy()
    if (this.#open.get(connection.place.prefix) === connection) this.#open.delete(connection.place.prefix)
  }

  /** Whoever waits for another server gives up. */
  interrupt(): void {
    this.#ending.abort()
    for (const connection of this.#open.values()) connection.destroy()
  }

  close(): void {
    clearInterval(this.#sweep)
    this.#ending.abort()
    for (const connection of this.#open.values()) connection.close()
    this.#open.clear()
  }

  /** What a failure says about the server, or about who asks. */
  #note({ server }: RemotePlace, error: unknown): never {
    if (error instanceof RemoteUnavailable && error.isRefusal) this.#refused++
    else if (!this.#ending.signal.aborted) noteAway(server)
    throw error
  }

  #makeRoom(): void {
    if (this.#open.size < REMOTE_LIMITS.connections) return
    const idle = [...this.#open.values()].filter((one) => one !== this.pinned && !one.isBusy)
    const oldest = idle.toSorted((one, other) => one.usedAt - other.usedAt)[0]
    if (oldest !== undefined) this.#close(oldest)
  }

  #closeIdle(): void {
    const before = performance.now() - REMOTE_LIMITS.keepMs
    for (const one of this.#open.values()) {
      if (one !== this.pinned && !one.isBusy && one.usedAt < before) this.#close(one)
    }
    if (this.#open.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }

  #close(connection: RemoteConnection): void {
    connection.close()
    this.#open.delete(connection.place.prefix)
  }
}
