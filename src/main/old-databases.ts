import type { AuthService } from '../auth/auth.ts'

/** How often it is asked whether anybody is left: longer than a stranger has who never tries to log in. */
export const OLD_AUTH_MS = 200_000

/**
 * The databases of configurations that were replaced. Whoever began with one keeps it: a stranger has three minutes more after each
 * try, and an LMTP client may stay for hours.
 */
export class OldDatabases {
  #kept: readonly AuthService[] = []

  /** Closes them when `isUsed` says that nobody has them any more. */
  retire(auth: AuthService, isUsed: () => boolean): void {
    this.#kept = [...this.#kept, auth]
    const timer = setInterval(() => {
      if (isUsed()) return
      clearInterval(timer)
      this.#kept = this.#kept.filter((kept) => kept !== auth)
      void auth.close()
    }, OLD_AUTH_MS).unref()
  }

  /** Their answers are cached, too. Returns how many were forgotten. */
  flushCache(users: readonly string[] | undefined): number {
    return this.#kept.reduce((sum, auth) => sum + auth.flushCache(users), 0)
  }
}
