import { findFields, listUsers, openDictDatabase } from '../dict/database.ts'
import type { Userdb, UserdbDriver } from './userdb.ts'

/** `dict`: userdb fields in a dictionary, Redis or a file. */
export const dictUserdb = {
  name: 'dict',
  open(path, needs): Userdb {
    const database = openDictDatabase(path, needs)
    const { settings, dict } = database
    return {
      cacheKey: settings.userdb.cacheKey,
      async lookup(request) {
        const outcome = await findFields(dict, settings.userdb, request)
        if (outcome.kind === 'unknown') request.logUnknownUser()
        return outcome
      },
      ...(settings.canIterate && { iterate: (signal: AbortSignal) => listUsers(database, signal) }),
      check: () => dict.check(),
      close: () => Promise.resolve(dict.close()),
    }
  },
} as const satisfies UserdbDriver
