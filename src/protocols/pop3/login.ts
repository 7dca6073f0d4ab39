/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 1939 §4. */
import { randomBytes } from 'node:crypto'
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
  const dialogue = new LoginDialogue(io, apopEnabled(io) ? apopTimestamp(io) : undefined)
  try {
    dialogue.greet()
    return await converse(io.stream, LOGIN_LIMITS.lineBytes, (line) => runCommand(dialogue, line))
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error
    io.remark('input line too long')
    return dialogue.bye('Input buffer full, aborting', 'Input buffer full')
  }
}

function apopEnabled(io: LoginIo): boolean {
  return io.settings.auth_mechanisms.some((name) => name.toUpperCase() === 'APOP')
}

/** Different for every connection. RFC 1939 §7. */
function apopTimestamp({ hostname }: LoginIo): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16)
  return `<${process.pid.toString(16)}.${seconds}.${randomBytes(16).toString('base64')}@${encodeLine(hostname)}>`
}
