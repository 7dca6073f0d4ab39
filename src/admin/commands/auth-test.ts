import { ControlUnavailable } from '../control/client.ts'
import type { AuthAnswer } from '../auth-answer.ts'
import { askAuth } from './ask-auth.ts'
import { INFO_OPTION } from './auth-info-option.ts'
import { type Command, type CommandCall, CommandUsageError, EXIT, SOCKET_OPTION } from './command.ts'
import { FIELD_COLUMNS } from './auth-lookup.ts'
import { printTest } from './print-answer.ts'
import { openFlow } from '../output/flow.ts'

/** `auth test`: a login against the running server's databases. */
export const authTest: Command = {
  name: 'auth test',
  usage: '[-x <auth info>] [-M <master user>] <user> [<password>]',
  summary: "Try a login against the server's databases.",
  details: [
    'Asks for the password when it is not given. The login goes through the caches and delays that clients meet; its service is `doveadm` unless `-x service=imap` says otherwise.',
    'Fields are shown as they are, secrets too, as Dovecot does.',
  ],
  options: [
    INFO_OPTION,
    { letter: 'M', value: 'master user', doc: "Log in as the user with this master user's password." },
    SOCKET_OPTION,
  ],
  columns: FIELD_COLUMNS,
  statuses: [[EXIT.permission, 'The login was refused, or the server is not running.']],
  async run(call) {
    const [user, given, ...more] = call.words
    if (user === undefined) throw new CommandUsageError('')
    if (more.length > 0) throw new CommandUsageError(`Extraneous arguments found: ${more.join(' ')}`)
    const password = given ?? (await call.readPassword('Password: '))
    const master = call.value('M')
    const question = { user, password, info: call.values('x'), ...(master !== undefined && { master }) }
    try {
      return showTest(call.out, user, await askAuth(call, 'auth-test', question))
    } catch (error) {
      if (!(error instanceof ControlUnavailable)) throw error
      call.out.complain(error.message)
      return EXIT.permission
    }
  },
}

/** Prints the outcome of a login and says the exit status. */
export function showTest(out: CommandCall['out'], user: string, answer: AuthAnswer): number {
  if (out.format === undefined) out.print(printTest(user, answer))
  else {
    const printer = out.open(FIELD_COLUMNS, openFlow)
    printer.row([user, 'result', answer.result])
    for (const [name, value] of answer.fields) printer.row([user, name, value])
    printer.end()
  }
  return answer.result === 'ok' ? EXIT.ok : EXIT.permission
}
