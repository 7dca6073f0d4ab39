import { acceptTls } from '../../converse.ts'
import type { LoginDialogue } from './dialogue.ts'

/** STLS. RFC 2595 §4. */
export async function stls(dialogue: LoginDialogue): Promise<undefined> {
  const { io } = dialogue
  if (io.tlsActive) return dialogue.say('-ERR TLS is already active.')
  if (!io.tlsAvailable) return dialogue.say("-ERR TLS support isn't enabled.")
  await acceptTls(io, '+OK Begin TLS negotiation now.')
  // What was said in clear text counts for nothing.
  dialogue.user = undefined
  return undefined
}
