/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 3501 §3.1. */
import { LineTooLong } from '../../net/byte-stream.ts'
import { converse } from '../converse.ts'
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
    io.stream.write(greetingLine(dialogue.capability(), io.greeting))
    return await converse(io.stream, LOGIN_LIMITS.longCommandBytes, (line) => runCommand(dialogue, line))
  } catch (error) {
    if (error instanceof LineTooLong) {
      io.remark('input line too long')
      return dialogue.bye('Input buffer full, aborting', 'Input buffer full')
    }
    throw error
  }
}

/** Most connections see the very same line. */
let newest = { capability: '', greeting: '', line: '' }

function greetingLine(capability: string, greeting: string): string {
  if (capability !== newest.capability || greeting !== newest.greeting) {
    newest = { capability, greeting, line: `* OK [CAPABILITY ${capability}] ${encodeLine(greeting)}\r\n` }
  }
  return newest.line
}
