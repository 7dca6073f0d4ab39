import { randomBytes } from 'node:crypto'
import type { ByteStream } from '../../net/byte-stream.ts'
import { LiveList } from '../../util/live-list.ts'
import { AuthClient, type AuthClientNeeds } from './client.ts'
import { AUTH_SERVER_LIMITS } from './limits.ts'

/** All connections of a process to `service auth`. */
export interface AuthServer {
  /** Takes a connection over from the listener, for good. */
  accept(stream: ByteStream): void
  readonly size: number
  /** Clients that wait for no answer are closed, others when they have it. Resolves when none is left. */
  shutDown(): Promise<void>
}

export interface AuthServerNeeds extends AuthClientNeeds {
  /** How many connections this process may have now. */
  readonly maxConnections: () => number
}

/** As Dovecot: a warning a minute says it all. */
const LIMIT_TOLD_MS = 60_000

export function createAuthServer(needs: AuthServerNeeds): AuthServer {
  return new Server(needs)
}

class Server implements AuthServer {
  readonly #needs: AuthServerNeeds
  readonly #running = new LiveList<{ readonly client: AuthClient; readonly over: Promise<void> }>()
  /** Accepted beyond the limit: not greeted until somebody leaves. */
  readonly #waiting: ByteStream[] = []
  #accepted = 0
  #toldLimitMs = Number.NEGATIVE_INFINITY
  #isStopping = false

  constructor(needs: AuthServerNeeds) {
    this.#needs = needs
  }

  get size(): number {
    return this.#running.size
  }

  accept(stream: ByteStream): void {
    if (this.#isStopping) return stream.destroy()
    const limit = this.#needs.maxConnections()
    if (this.#running.size < limit) return this.#serve(stream)
    this.#tellLimit(limit)
    if (this.#waiting.length >= AUTH_SERVER_LIMITS.waiting) return stream.destroy()
    this.#waiting.push(stream)
  }

  async shutDown(): Promise<void> {
    this.#isStopping = true
    for (const stream of this.#waiting.splice(0)) stream.destroy()
    const running = this.#running.all()
    for (const { client } of running) client.stop()
    await Promise.all(running.map(({ over }) => over))
  }

  #serve(stream: ByteStream): void {
    const client = new AuthClient(stream, this.#needs)
    const identity = { pid: process.pid, id: ++this.#accepted, cookie: randomBytes(16).toString('hex') }
    const over = client
      .run(identity)
      .catch((error: unknown) => this.#logFault(error))
      .then(() => {
        this.#running.remove(place)
        this.#serveNext()
      })
    const place = this.#running.add({ client, over })
  }

  #serveNext(): void {
    let next = this.#waiting.shift()
    while (next?.ended === true) next = this.#waiting.shift()
    if (next !== undefined) this.#serve(next)
  }

  #tellLimit(limit: number): void {
    const { clock, observer } = this.#needs
    if (clock.now() - this.#toldLimitMs < LIMIT_TOLD_MS) return
    this.#toldLimitMs = clock.now()
    const text = `service(auth): ${limit} connections in this process, clients have to wait (client_limit, process_limit)`
    observer.log('warning', 'master', text)
  }

  #logFault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#needs.observer.log('error', 'auth', `BUG: ${text}`)
  }
}
