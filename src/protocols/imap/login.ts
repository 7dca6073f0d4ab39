/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 3501 §3.1. */
import { LineTooLong } from '../../net/byte-stream.ts'
import type { LoginEnd, LoginIo } from '../protocol.ts'
import { encodeLine } from '../wire-text.ts'
import { LOGIN_LIMITS, LoginDialogue } from './login/dialogue.ts'
import { runCommand } from './login/run-command.ts'

/**
 * Greets and answers commands. Rejects with what the stream rejects with (DeadlineExceeded, ConnectionLost) and with a
 * failed handshake, for the caller to say goodbye about and to log; everything else that a client does is an end.
 */
export async function login(io: LoginIo): Promise<LoginEnd> {
  const dialogue = new LoginDialogue(io)
  try {
    io.stream.write(`* OK [CAPABILITY ${dialogue.capability()}] ${encodeLine(io.greeting)}\r\n`)
    return await converse(dialogue)
  } catch (error) {
    if (error instanceof LineTooLong) {
      io.remark('input line too long')
      return dialogue.bye('Input buffer full, aborting', 'Input buffer full')
    }
    throw error
  }
}

async function converse(dialogue: LoginDialogue): Promise<LoginEnd> {
  for (;;) {
    const line = await dialogue.io.stream.readLine(LOGIN_LIMITS.longCommandBytes)
    if (line === undefined) return { kind: 'closed', reason: 'Connection closed' }
    const end = await runCommand(dialogue, line)
    if (end !== undefined) return end
    await outputTaken(dialogue)
  }
}

/** A client that only ever sends must not fill our memory with replies. When it is gone the next read says so. */
async function outputTaken(dialogue: LoginDialogue): Promise<void> {
  try {
    await dialogue.io.stream.drained()
  } catch {
    return
  }
}
