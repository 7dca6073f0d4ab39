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
        } else if (request.loggedIn) {
          request.logDatabase('error', "passdb didn't return userdb entries")
        } else {
          request.logDatabase('error', 'userdb lookup not possible with only userdb prefetch')
        }
        return { kind: 'unknown' }
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies UserdbDriver
