// Each worker has an auth cache of its own. Whoever asks a database tells the others what it said, so that the first login
// with a new password ends the old one everywhere, as it does where one process knows all.
import { createHmac } from 'node:crypto'

/** What a database said to a question of the auth cache. Plain data: it crosses a process boundary. */
export interface PasswordNews {
  /** The key in the cache. */
  readonly question: string
  readonly fingerprint: string
}

/** A worker's ear and mouth for passwords that databases told. */
export class SharedPasswords {
  /** For fingerprints; the same in all processes that share. */
  key = Buffer.alloc(0)
  readonly #tell: (news: PasswordNews) => void
  readonly #listeners = new Set<(news: PasswordNews) => void>()

  constructor(tell: (news: PasswordNews) => void) {
    this.#tell = tell
  }

  /** Tells the others, and the other caches and questions of this worker. `password` is a stored one. */
  told(question: string, password: string): void {
    const news = { question, fingerprint: this.fingerprint(password) }
    this.#tell(news)
    this.hear(news)
  }

  /** Another worker told. */
  hear(news: PasswordNews): void {
    for (const listener of this.#listeners) listener(news)
  }

  /** Returns the function that stops listening. */
  listen(listener: (news: PasswordNews) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Whether two stored passwords are the same, without telling them. */
  fingerprint(password: string): string {
    return createHmac('sha256', this.key).update(password).digest('base64url')
  }
}
