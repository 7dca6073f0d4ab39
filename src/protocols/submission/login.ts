/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 5321, RFC 4954. */
import { LineTooLong } from '../../net/byte-stream.ts'
import { converse } from '../converse.ts'
import type { LoginEnd, LoginIo } from '../protocol.ts'
import { runCommand } from './login/commands.ts'
import { LOGIN_LIMITS, LoginDialogue } from './login/dialogue.ts'

/**
 * Greets and answers commands. Rejects with what the stream rejects with (DeadlineExceeded, ConnectionLost) and with a
 * failed handshake, for the caller to say goodbye about and to log; everything else that a client does is an end.
 */
export async function login(io: LoginIo): Promise<LoginEnd> {
  const dialogue = new LoginDialogue(io)
  try {
    dialogue.greet()
    return await converse(io.stream, LOGIN_LIMITS.lineBytes, (line) => runCommand(dialogue, line))
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error
    io.remark('input line too long')
    io.stream.write('500 5.5.2 Line too long\r\n')
    return { kind: 'closed', reason: 'Input buffer full' }
  }
}
