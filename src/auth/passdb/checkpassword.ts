import { CheckpasswordDatabase, type CheckpasswordAnswer } from '../checkpassword/database.ts'
import type { Passdb, PassdbDriver, PassdbReply, VerifyReply } from './passdb.ts'

/** `checkpassword`: a program checks the password; its environment has the fields. */
export const checkpasswordPassdb = {
  name: 'checkpassword',
  open(args, needs): Passdb {
    const database = new CheckpasswordDatabase('passdb', args, needs)
    return {
      defaultScheme: 'PLAIN',
      async verify(request, password, signal) {
        const answer = await database.ask(request, password.reveal(), {}, signal)
        if (answer.kind === 'unknown') request.logUnknownUser()
        return replyFrom(answer)
      },
      async lookup(request, signal): Promise<PassdbReply> {
        const wishes = { AUTHORIZED: '1', CREDENTIALS_LOOKUP: '1' }
        const answer = await database.ask(request, Buffer.alloc(0), wishes, signal)
        if (answer.kind === 'found' && answer.authorized) return { kind: 'found', fields: answer.fields }
        if (answer.kind === 'found')
          return {
            kind: 'internal-failure',
            log: 'checkpassword: the program did not set AUTHORIZED=2: it knows no lookups',
          }
        // Without a password there is none that is wrong.
        if (answer.kind === 'failed') return { kind: 'internal-failure', log: answer.log }
        request.logUnknownUser()
        return { kind: 'unknown' }
      },
      check: async () => await database.check(),
      close: () => Promise.resolve(database.close()),
    }
  },
} as const satisfies PassdbDriver

function replyFrom(answer: CheckpasswordAnswer): VerifyReply {
  switch (answer.kind) {
    case 'found':
      return { kind: 'found', fields: answer.fields }
    case 'refused':
      return { kind: 'password-mismatch' }
    case 'unknown':
      return { kind: 'unknown' }
    default:
      return { kind: 'internal-failure', log: answer.log }
  }
}
