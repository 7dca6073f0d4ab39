import type { UserdbDriver } from './userdb.ts'

/** `prefetch`: the user's fields came with the passdb's answer, as `userdb_` fields. */
export const prefetchUserdb = {
  name: 'prefetch',
  noArgs: true,
  open() {
    return {
      lookup(request) {
        if (request.prefetched) return { kind: 'found', fields: [] }
        if (!request.isOnly) {
          request.logDatabase('debug', "passdb didn't return userdb entries, trying the next userdb")
          return { kind: 'unknown' }
        }
        const log = request.loggedIn
          ? "passdb didn't return userdb entries"
          : 'userdb lookup not possible with only userdb prefetch'
        return { kind: 'internal-failure', log }
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies UserdbDriver
