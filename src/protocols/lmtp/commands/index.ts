import { smtpStringProblem } from '../../smtp/wire/smtp-string.ts'
import { bdat } from './bdat.ts'
import { command, type Command } from './command.ts'
import { data } from './data.ts'
import { lhlo } from './lhlo.ts'
import { mail } from './mail.ts'
import { rcpt } from './rcpt.ts'
import { starttls } from './starttls.ts'
import { vrfy } from './vrfy.ts'
import { xclient } from './xclient.ts'

/** LMTP's commands by upper-case name. RFC 2033, RFC 5321 §4.1. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['AUTH', command((session) => session.say(502, '5.5.1', 'Unsupported command'))],
  ['BDAT', bdat],
  ['DATA', data],
  ['LHLO', lhlo],
  ['MAIL', mail],
  [
    'NOOP',
    command((session, args) => {
      const problem = args === '' ? undefined : smtpStringProblem(args)
      return problem === undefined ? session.say(250, '2.0.0', 'OK') : session.say(501, '5.5.4', problem)
    }),
  ],
  [
    'QUIT',
    command((session, args) => {
      if (args !== '') return session.say(501, '5.5.4', 'Invalid parameters')
      session.say(221, '2.0.0', 'Bye')
      return { reason: 'Logged out' }
    }),
  ],
  ['RCPT', rcpt],
  [
    'RSET',
    command((session, args) => {
      if (args !== '') return session.say(501, '5.5.4', 'Invalid parameters')
      session.reset()
      return session.say(250, '2.0.0', 'OK')
    }),
  ],
  ['STARTTLS', starttls],
  ['VRFY', vrfy],
  ['XCLIENT', xclient],
])
