import { DeadlineExceeded } from '../../../net/byte-stream.ts'
import { command } from './command.ts'

/** STARTTLS. RFC 3207: what was said before TLS is forgotten. */
export const starttls = command(async (session, args) => {
  const { io } = session
  if (io.stream.tls !== undefined) return session.say(502, '5.5.1', 'TLS is already active.')
  if (!io.tlsAvailable) return session.say(502, '5.5.1', 'TLS support is not enabled.')
  if (args !== '') return session.say(501, '5.5.4', 'Invalid parameters')
  session.reset()
  // Commands pipelined in clear text must not count as sent under TLS.
  io.stream.takeBuffered()
  session.say(220, '2.0.0', 'Begin TLS negotiation now.')
  session.expectInput()
  try {
    await io.startTls()
  } catch (error) {
    if (error instanceof DeadlineExceeded) return { reason: 'Disconnected for inactivity' }
    return { reason: `Connection closed: ${error instanceof Error ? error.message : String(error)}` }
  }
  session.helo = undefined
  return undefined
})
