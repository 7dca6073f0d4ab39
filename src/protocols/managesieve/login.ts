/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 5804 §2. */
import { LineTooLong } from '../../net/byte-stream.ts'
import { converse } from '../converse.ts'
import type { LoginEnd, LoginIo } from '../protocol.ts'
import { encodeLine } from '../wire-text.ts'
import { runCommand } from './login/commands.ts'
import { LOGIN_LIMITS, LoginDialogue } from './login/dialogue.ts'

/**
 * Greets and answers commands. Rejects with what the stream rejects with (DeadlineExceeded, ConnectionLost) and with a
 * failed handshake, for the caller to say goodbye about and to log; everything else that a client does is an end.
 */
export async function login(io: LoginIo): Promise<LoginEnd> {
  const dialogue = new LoginDialogue(io)
  try {
    dialogue.capability(encodeLine(io.greeting))
    return await converse(io.stream, LOGIN_LIMITS.lineBytes, (line) => runCommand(dialogue, line))
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error
    io.remark('input line too long')
    return dialogue.bye('Input buffer full, aborting', 'Input buffer full')
  }
}
