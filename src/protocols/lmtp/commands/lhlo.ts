import { formatReply } from '../../smtp/wire/reply.ts'
import { decodeText, encodeLine } from '../../wire-text.ts'
import { command } from './command.ts'

/** What XCLIENT of a trusted proxy may carry. */
const XCLIENT = 'XCLIENT ADDR PORT PROTO HELO LOGIN SESSION TTL TIMEOUT'

/** LHLO. RFC 2033 §4.1. */
export const lhlo = command((session, args) => {
  const name = args.trim()
  if (name === '') return session.say(501, undefined, 'Missing hostname')
  session.reset()
  session.helo = clientName(decodeText(name))
  const { io } = session
  const lines = [encodeLine(io.hostname), '8BITMIME', 'CHUNKING', 'ENHANCEDSTATUSCODES', 'PIPELINING']
  if (io.tlsAvailable) lines.push('STARTTLS')
  if (io.trusted) lines.push(XCLIENT, 'XRCPTFORWARD')
  session.replies.push(formatReply(250, undefined, lines))
  return undefined
})

/** What a client called itself: the first word, if it is a domain or an address literal. Anything else is told to nobody. */
export function clientName(text: string): string | undefined {
  const [name = ''] = text.split(' ')
  return NAME.test(name) ? name : undefined
}

const NAME = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[[\x21-\x5a\x5e-\x7e]+\])$/
