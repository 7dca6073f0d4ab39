import type { BackendNews } from '../proxy/hosts.ts'

/** A worker that dies and comes back is told about so many dead backends at most. */
const MAX_BACKENDS = 1_000

/** What the supervisor keeps of what workers tell each other: the backends that are down, for workers that start later. */
export class DeadBackends {
  readonly #newest = new Map<string, BackendNews>()

  add(news: BackendNews): void {
    const key = `${news.ip} ${news.port}`
    this.#newest.delete(key)
    if (news.downSinceMs === undefined) return
    const [oldest] = this.#newest.keys()
    if (oldest !== undefined && this.#newest.size >= MAX_BACKENDS) this.#newest.delete(oldest)
    // Who tries it now may be gone by the time this is told.
    this.#newest.set(key, { ...news, probing: false })
  }

  known(): Iterable<BackendNews> {
    return this.#newest.values()
  }
}
