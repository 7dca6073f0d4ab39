import { command } from './command.ts'

/** VRFY says nothing about anybody. RFC 5321 §3.5.3. */
export const vrfy = command((session, args) => {
  if (args === '') return session.say(501, '5.5.4', 'Invalid parameters')
  const isString = /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]+|"(?:[^"\\]|\\.)*")$/.test(args)
  if (!isString) return session.say(501, '5.5.4', 'Invalid string parameter: Invalid character in string')
  return session.say(252, '2.3.3', 'Try RCPT instead')
})
