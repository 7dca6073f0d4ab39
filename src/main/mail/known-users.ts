import { LRUCache } from 'lru-cache'

/** Answers of the userdb that are remembered, and how long: whoever asks goes through many names, many of them again and again. */
const MAX_USERS = 10_000
const REMEMBERED_MS = 10 * 60_000

/** Which users there are. */
export class KnownUsers {
  readonly #lookup: (user: string) => Promise<unknown>
  readonly #known = new LRUCache<string, boolean>({ max: MAX_USERS, ttl: REMEMBERED_MS })

  /** `lookup`: `undefined` for a user who is not there; rejects when nobody can tell. */
  constructor(lookup: (user: string) => Promise<unknown>) {
    this.#lookup = lookup
  }

  /** Also when the userdb does not answer: what is not known is not denied. */
  async isUser(user: string): Promise<boolean> {
    const known = this.#known.get(user)
    if (known !== undefined) return known
    try {
      const isThere = (await this.#lookup(user)) !== undefined
      this.#known.set(user, isThere)
      return isThere
    } catch {
      return true
    }
  }
}
