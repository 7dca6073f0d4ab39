import { type ByteStream, LineTooLong } from '../../../net/byte-stream.ts'
import { SERVER_LIMITS } from './limits.ts'
import { type CommandTable, lineBytes, runCommand } from './run-command.ts'
import type { ImapSession } from './session.ts'
import { Turn } from './turn.ts'

/** Reads commands and runs them one after the other, until the session is over. Returns why, for the log. */
export async function converse(session: ImapSession, table: CommandTable): Promise<string> {
  const { out } = session
  const turn = new Turn()
  for (;;) {
    if (session.interrupted) return SHUTTING_DOWN
    const { stream } = session
    stream.setDeadline(SERVER_LIMITS.idleMs)
    const waits = stream.buffered === 0
    session.waiting = true
    const line = await readCommandLine(session)
    session.waiting = false
    // What the client took its time for is none of its turn.
    if (waits) turn.begin()
    if (line === undefined) return closedReason(session)
    await runCommand(session, table, line)
    session.lastEndedAt = performance.now()
    if (session.over !== undefined) return session.over
    // What is pipelined is answered together, once nothing more is at hand.
    if (out.full) await out.drained()
    else out.flushSoon()
    if (turn.overNow) await turn.next()
  }
}

/** What is logged when the server ended the session. */
export const SHUTTING_DOWN = 'Server shutting down.'

/** A line that is longer than can be is read to its end; its beginning is still a command. */
async function readCommandLine(session: ImapSession): Promise<string | undefined> {
  session.lineCut = false
  try {
    return await session.stream.readLine(lineBytes(session))
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error
    session.lineCut = true
    return await skipLongLine(session)
  }
}

async function skipLongLine({ stream }: ImapSession): Promise<string | undefined> {
  let head = ''
  for (;;) {
    const rest = await endOfLine(stream)
    if (rest !== TOO_LONG) return rest === undefined ? undefined : head || rest.slice(0, HEAD_BYTES)
    const skipped = await stream.readSome(SKIP_BYTES)
    if (skipped === undefined) return undefined
    head ||= skipped.toString('latin1', 0, HEAD_BYTES)
  }
}

/** What is left of a line, unless that is still too much. */
async function endOfLine(stream: ByteStream): Promise<string | undefined | typeof TOO_LONG> {
  try {
    return await stream.readLine(SKIP_BYTES)
  } catch (error) {
    if (error instanceof LineTooLong) return TOO_LONG
    throw error
  }
}

function closedReason({ lastCommand, lastEndedAt }: ImapSession): string {
  if (lastCommand === '') return 'Connection closed (No commands sent)'
  const secs = ((performance.now() - lastEndedAt) / 1000).toFixed(3)
  return `Connection closed (${lastCommand} finished ${secs} secs ago)`
}

const TOO_LONG = Symbol('too long')
/** What is read of a too long line at a time. */
const SKIP_BYTES = 8192
/** What is kept of it: enough for its tag and its name. */
const HEAD_BYTES = 256
