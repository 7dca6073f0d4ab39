import { findFields, openDictDatabase } from '../dict/database.ts'
import type { PassdbDriver } from './passdb.ts'

/** `dict`: passwords and fields in a dictionary, Redis or a file. */
export const dictPassdb = {
  name: 'dict',
  open(path, needs) {
    const { settings, dict } = openDictDatabase(path, needs)
    return {
      defaultScheme: settings.scheme,
      cacheKey: settings.passdb.cacheKey,
      async lookup(request) {
        const outcome = await findFields(dict, settings.passdb, request)
        if (outcome.kind === 'unknown') request.logUnknownUser()
        return outcome
      },
      check: () => dict.check(),
      close: () => Promise.resolve(dict.close()),
    }
  },
} as const satisfies PassdbDriver
