import { DeadlineExceeded } from '../../../net/byte-stream.ts'
import type { LoginEnd } from '../../protocol.ts'
import type { LoginDialogue } from './dialogue.ts'

/** STLS. RFC 2595 §4. */
export async function stls(dialogue: LoginDialogue): Promise<LoginEnd | undefined> {
  const { io } = dialogue
  if (io.tlsActive) return dialogue.say('-ERR TLS is already active.')
  if (!io.tlsAvailable) return dialogue.say("-ERR TLS support isn't enabled.")
  // Commands pipelined in clear text must not count as sent under TLS (CVE-2011-0411 and its kin).
  io.stream.takeBuffered()
  dialogue.say('+OK Begin TLS negotiation now.')
  dialogue.user = undefined
  try {
    await io.startTls()
  } catch (error) {
    if (error instanceof DeadlineExceeded) throw error
    return { kind: 'closed', reason: `Connection closed: ${error instanceof Error ? error.message : String(error)}` }
  }
  return undefined
}
