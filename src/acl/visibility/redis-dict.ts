// acl_shared_dict in Redis. Keys are stored as Dovecot's redis dict stores shared ones: without `shared/`, behind a prefix.
import type { SharedDict } from './shared-dict.ts'
import { SHARED_BOXES } from './shared-keys.ts'

/** The part of a Redis client that is used. */
export interface SharingRedis {
  command(words: readonly string[]): Promise<unknown>
}

const SHARED = 'shared/'

/** A name that stands for itself in a pattern. */
function quoted(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)
}

export class RedisSharedDict implements SharedDict {
  readonly #redis: SharingRedis
  readonly #prefix: string

  constructor(redis: SharingRedis, prefix = '') {
    this.#redis = redis
    this.#prefix = prefix
  }

  async keys(prefix: string): Promise<readonly string[]> {
    return await this.#scan(`${quoted(this.#prefix + prefix.slice(SHARED.length))}*`)
  }

  async keysFrom(user: string): Promise<readonly string[]> {
    return await this.#scan(`${quoted(this.#prefix + SHARED_BOXES.slice(SHARED.length))}*/${quoted(user)}`)
  }

  async #scan(pattern: string): Promise<readonly string[]> {
    const found = new Set<string>()
    let cursor = '0'
    do {
      const reply = await this.#redis.command(['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000'])
      if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('redis: SCAN answered nonsense')
      cursor = String(reply[0])
      // SCAN may tell a key twice.
      for (const key of reply[1]) found.add(SHARED + String(key).slice(this.#prefix.length))
    } while (cursor !== '0')
    return [...found]
  }

  async change({ set, unset }: { readonly set: readonly string[]; readonly unset: readonly string[] }): Promise<void> {
    if (set.length > 0) await this.#redis.command(['MSET', ...set.flatMap((key) => [this.#stored(key), '1'])])
    if (unset.length > 0) await this.#redis.command(['DEL', ...unset.map((key) => this.#stored(key))])
  }

  close(): void {
    // The client belongs to whoever opened it.
  }

  #stored(key: string): string {
    return this.#prefix + key.slice(SHARED.length)
  }
}
