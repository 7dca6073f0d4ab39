import { compileFields } from '../field-template.ts'
import { DatabaseConfigError, type PassdbDriver } from './passdb.ts'

/** `static`: the same answer for everybody, with %variables. Dovecot: `passdb { driver = static }`. */
export const staticPassdb = {
  name: 'static',
  open(args) {
    const fields = compileFields(args, 'args')
    if (fields.some(({ name }) => name === '')) {
      throw new DatabaseConfigError(`Invalid passdb template ${args} - key must not be empty`)
    }
    // The password is set behind the other fields, wherever it stands.
    const password = fields.find(({ name }) => name === 'password')
    const ordered = password === undefined ? fields : [...fields.filter((field) => field !== password), password]
    const reply = { kind: 'found', fields: ordered } as const
    return {
      defaultScheme: 'PLAIN',
      lookup(request) {
        if (request.isDebug) request.logDatabase('debug', 'lookup')
        return reply
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies PassdbDriver
