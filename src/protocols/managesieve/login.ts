/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 5804 §2. */
import { ConnectionLost, LineTooLong } from '../../net/byte-stream.ts'
import type { LoginEnd, LoginIo } from '../protocol.ts'
import { encodeLine } from '../wire-text.ts'
import { commands } from './login/commands.ts'
import { LOGIN_LIMITS, LoginDialogue } from './login/dialogue.ts'
import { readWords } from './login/read-words.ts'

/**
 * Greets and answers commands. Rejects with the stream's DeadlineExceeded, so that the caller can say goodbye; everything
 * else that a client or its connection does is an end.
 */
export async function login(io: LoginIo): Promise<LoginEnd> {
  const dialogue = new LoginDialogue(io)
  try {
    dialogue.capability(encodeLine(io.greeting))
    return await converse(dialogue)
  } catch (error) {
    if (error instanceof LineTooLong) {
      io.remark('input line too long')
      return dialogue.bye('Input buffer full, aborting', 'Input buffer full')
    }
    if (error instanceof ConnectionLost) return { kind: 'closed', reason: `Connection closed: ${error.message}` }
    throw error
  }
}

async function converse(dialogue: LoginDialogue): Promise<LoginEnd> {
  const { stream } = dialogue.io
  for (;;) {
    const line = await stream.readLine(LOGIN_LIMITS.lineBytes)
    if (line === undefined) return { kind: 'closed', reason: 'Connection closed' }
    const nameEnd = line.indexOf(' ') < 0 ? line.length : line.indexOf(' ')
    const command = commands.get(line.slice(0, nameEnd).toUpperCase())
    const rest = line.slice(nameEnd + 1)
    const end = await run(dialogue, command, rest)
    if (end !== undefined) return end
    // A client that only ever sends must not fill our memory with replies.
    await stream.drained()
  }
}

async function run(
  dialogue: LoginDialogue,
  command: ReturnType<typeof commands.get>,
  rest: string,
): Promise<LoginEnd | undefined> {
  // XCLIENT's arguments are SMTP's, not ManageSieve's.
  if (command?.kind === 'raw') return await command.run(dialogue, rest)
  const words = await readWords(dialogue.io.stream, rest, LOGIN_LIMITS)
  if (words === 'closed') return { kind: 'closed', reason: 'Connection closed' }
  if (words === 'too-large') return dialogue.bye('Too long argument.', 'Too long argument')
  if (words === 'bad' || command === undefined) return dialogue.badCommand()
  return await command.run(dialogue, words)
}
