/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 5321, RFC 4954. */
import { ConnectionLost, LineTooLong } from '../../net/byte-stream.ts'
import type { LoginEnd, LoginIo } from '../protocol.ts'
import { encodeLine } from '../wire-text.ts'
import { commands } from './login/commands.ts'
import { LOGIN_LIMITS, LoginDialogue } from './login/dialogue.ts'

/**
 * Greets and answers commands. Rejects with the stream's DeadlineExceeded, so that the caller can say goodbye; everything
 * else that a client or its connection does is an end.
 */
export async function login(io: LoginIo): Promise<LoginEnd> {
  const dialogue = new LoginDialogue(io)
  try {
    dialogue.greet()
    return await converse(dialogue)
  } catch (error) {
    if (error instanceof LineTooLong) {
      io.remark('input line too long')
      io.stream.write(`421 4.7.0 ${encodeLine(io.hostname)} Command line too long\r\n`)
      return { kind: 'closed', reason: 'Input buffer full' }
    }
    if (error instanceof ConnectionLost) return { kind: 'closed', reason: `Connection closed: ${error.message}` }
    throw error
  }
}

async function converse(dialogue: LoginDialogue): Promise<LoginEnd> {
  for (;;) {
    const line = await dialogue.io.stream.readLine(LOGIN_LIMITS.lineBytes)
    if (line === undefined) return { kind: 'closed', reason: 'Connection closed' }
    const space = line.indexOf(' ')
    const name = (space < 0 ? line : line.slice(0, space)).toUpperCase()
    const command = commands.get(name)
    const end =
      command === undefined ? dialogue.badCommand() : await command(dialogue, space < 0 ? '' : line.slice(space + 1))
    if (end !== undefined) return end
    // A client that only ever sends must not fill our memory with replies.
    await dialogue.io.stream.drained()
  }
}
