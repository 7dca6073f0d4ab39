import { parseXclientWords } from '../../smtp/wire/xclient.ts'
import { readSmtpIdentity } from '../../smtp-identity.ts'
import { LMTP_LIMITS } from '../limits.ts'
import { command } from './command.ts'
import { clientName } from './lhlo.ts'

/** XCLIENT: a trusted proxy says who the client is, and is greeted again. */
export const xclient = command((session, args) => {
  if (!session.io.trusted) return session.say(550, '5.7.14', 'You are not from trusted IP')
  if (session.transaction !== undefined) {
    return session.say(503, '5.5.0', 'XCLIENT not permitted during a mail transaction')
  }
  const words = parseXclientWords(args)
  const identity = words instanceof Map ? readSmtpIdentity(words, LMTP_LIMITS.sessionBytes) : words
  if ('problem' in identity) return session.say(501, '5.5.4', identity.problem)
  const { helo, ...others } = identity
  session.forward(others)
  if (helo !== undefined) session.forwardName(clientName(helo))
  session.greet()
  return undefined
})
