/** The conversation with an LMTP client (RFC 2033), from the greeting to the end of the connection. */
import { DeadlineExceeded, LineTooLong } from '../../net/byte-stream.ts'
import { parseCommandLine } from '../smtp/wire/command-line.ts'
import { commands } from './commands/index.ts'
import type { LmtpIo, LmtpServices } from './services.ts'
import { endOf, LmtpSession, type SessionEnd, STOPPING } from './session.ts'

/** Serves one client until the connection is over. Never rejects. */
export async function serveLmtp(io: LmtpIo, services: LmtpServices): Promise<void> {
  const session = new LmtpSession(io, services)
  session.log.connected()
  const stop = (): void => session.stopIfIdle()
  io.stopping.addEventListener('abort', stop)
  const { reason } = await runSession(session)
  io.stopping.removeEventListener('abort', stop)
  session.log.disconnected(reason, session.state)
  session.over = true
  session.reset()
  await io.stream.close()
}

async function runSession(session: LmtpSession): Promise<SessionEnd> {
  try {
    session.greet()
    return await converse(session)
  } catch (error) {
    if (error instanceof DeadlineExceeded) session.sayGoodbye('4.4.2', 'Disconnected for inactivity')
    const end = endOf(error)
    if (end === undefined) session.log.fault(error)
    return { reason: `${end?.reason ?? 'Internal error'}${unfinished(session)}` }
  }
}

async function converse(session: LmtpSession): Promise<SessionEnd> {
  for (;;) {
    if (session.io.stopping.aborted) {
      await session.replies.settled()
      session.stopIfIdle()
      return { reason: STOPPING }
    }
    const line = await session.readLine()
    if (line === undefined) return { reason: session.io.stopping.aborted ? STOPPING : 'Connection closed' }
    const end = line instanceof LineTooLong ? await tooLong(session) : await runCommand(session, line)
    if (end !== undefined) {
      await session.replies.settled()
      return end
    }
    // A client that only ever sends must not fill our memory with replies.
    session.expectInput()
    await session.io.stream.drained()
  }
}

async function runCommand(session: LmtpSession, line: string): Promise<SessionEnd | undefined> {
  const parsed = parseCommandLine(line)
  if (parsed === undefined) {
    await session.replies.settled()
    return session.bad('5.5.2', 'Invalid command syntax')
  }
  const { name, args } = parsed
  const command = commands.get(name)
  // Recipients are looked up side by side; everything else waits for what came before.
  if (command === undefined || !command.sideBySide) await session.replies.settled()
  if (command === undefined) return session.bad('5.5.1', 'Unknown command')
  session.good()
  session.busy = true
  try {
    return await command.run(session, args)
  } finally {
    session.busy = false
  }
}

async function tooLong(session: LmtpSession): Promise<SessionEnd | undefined> {
  await session.replies.settled()
  if (await session.skipLine()) return session.bad('5.5.2', 'Line too long')
  session.sayGoodbye('4.7.0', 'Command line too long')
  return { reason: 'Input buffer full' }
}

function unfinished({ receiving }: LmtpSession): string {
  return receiving === undefined ? '' : ` (unfinished ${receiving} command)`
}
