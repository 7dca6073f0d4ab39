import { smtpStringProblem } from '../../smtp/wire/smtp-string.ts'
import { command } from './command.ts'

/** VRFY says nothing about anybody. RFC 5321 §3.5.3. */
export const vrfy = command((session, args) => {
  const problem = args === '' ? 'Invalid parameters' : smtpStringProblem(args)
  return problem === undefined ? session.say(252, '2.3.3', 'Try RCPT instead') : session.say(501, '5.5.4', problem)
})
