import { CheckpasswordDatabase } from '../checkpassword/database.ts'
import type { UserdbDriver } from './userdb.ts'

/** `checkpassword`: a program that knows AUTHORIZED=1 tells a user's home and ids. */
export const checkpasswordUserdb = {
  name: 'checkpassword',
  open(args, needs) {
    const database = new CheckpasswordDatabase('userdb', args, needs)
    return {
      async lookup(request, signal) {
        const answer = await database.ask(request, Buffer.alloc(0), { AUTHORIZED: '1' }, signal)
        if (answer.kind === 'failed') return { kind: 'internal-failure', log: answer.log }
        if (answer.kind !== 'found') {
          request.logUnknownUser()
          return { kind: 'unknown' }
        }
        if (!answer.authorized)
          return {
            kind: 'internal-failure',
            log: 'checkpassword: the program did not set AUTHORIZED=2: it knows no lookups',
          }
        const fields = answer.fields.map((field) => ({ ...field, name: field.name.replace(/^userdb_/, '') }))
        return { kind: 'found', fields }
      },
      check: async () => await database.check(),
      close: () => Promise.resolve(database.close()),
    }
  },
} as const satisfies UserdbDriver
