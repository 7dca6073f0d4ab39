/** The conversation with a stranger, until an attempt to log in succeeds or the stranger leaves. RFC 1939 §4. */
import { hostname } from 'node:os'
import { randomBytes } from 'node:crypto'
import { ConnectionLost, LineTooLong } from '../../net/byte-stream.ts'
import type { LoginEnd, LoginIo } from '../protocol.ts'
import { encodeLine } from '../wire-text.ts'
import { LOGIN_LIMITS, LoginDialogue } from './login/dialogue.ts'
import { commands } from './login/commands.ts'

/**
 * Greets and answers commands. Rejects with the stream's DeadlineExceeded, so that the caller can say goodbye; everything
 * else that a client or its connection does is an end.
 */
export async function login(io: LoginIo): Promise<LoginEnd> {
  const dialogue = new LoginDialogue(io, apopEnabled(io) ? apopTimestamp() : undefined)
  try {
    const stamp = dialogue.apopTimestamp === undefined ? '' : ` ${dialogue.apopTimestamp}`
    // A proxy in front sees from this word that it may say who its client is.
    io.stream.write(`+OK ${io.trusted ? '[XCLIENT] ' : ''}${encodeLine(io.greeting)}${stamp}\r\n`)
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
  for (;;) {
    const line = await dialogue.io.stream.readLine(LOGIN_LIMITS.lineBytes)
    if (line === undefined) return { kind: 'closed', reason: 'Connection closed' }
    const space = line.indexOf(' ')
    const name = (space < 0 ? line : line.slice(0, space)).toUpperCase()
    const run = commands.get(name)
    const end = run === undefined ? dialogue.badCommand() : await run(dialogue, space < 0 ? '' : line.slice(space + 1))
    if (run !== undefined) dialogue.badCommands = 0
    if (end !== undefined) return end
    // A client that only ever sends must not fill our memory with replies.
    await dialogue.io.stream.drained()
  }
}

function apopEnabled(io: LoginIo): boolean {
  return io.settings.auth_mechanisms.some((name) => name.toUpperCase() === 'APOP')
}

/** RFC 1939 §7: different for every connection. */
function apopTimestamp(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16)
  return `<${process.pid.toString(16)}.${seconds}.${randomBytes(16).toString('base64')}@${hostname()}>`
}
