import { type ByteStream, ConnectionLost, DeadlineExceeded } from '../../../net/byte-stream.ts'
import { imapCommands } from '../commands/index.ts'
import type { MailSession } from '../../mail-session.ts'
import { SessionOver } from './bad-command.ts'
import { converse, SHUTTING_DOWN } from './converse.ts'
import { loggedIn } from './logged-in.ts'
import { INTERNAL_ERROR } from './internal-error.ts'
import { logoutLine } from './logout-line.ts'
import { RemoteMailboxes } from './remote/remote-mailboxes.ts'
import { ImapSession } from './session.ts'

/** Serves a user's mail until the client leaves, is silent for too long, or the session is ended from outside. RFC 3501 §3. */
export async function serve(stream: ByteStream, mail: MailSession): Promise<void> {
  const session = new ImapSession(stream, mail)
  // Counted, as in Dovecot: the first that the session says.
  if (mail.reply !== undefined) stream.write(loggedIn(mail, mail.reply))
  if (mail.remote !== undefined) session.remote = new RemoteMailboxes(session, mail.remote)
  const interrupt = (): void => endFromOutside(session)
  mail.signal.addEventListener('abort', interrupt, { once: true })
  let reason: string
  try {
    reason = mail.signal.aborted ? SHUTTING_DOWN : await converse(session, imapCommands)
  } catch (error) {
    reason = reasonOf(session, error)
  } finally {
    mail.signal.removeEventListener('abort', interrupt)
  }
  sayGoodbye(session, reason)
  await closeMailbox(session)
  // What is still to be compressed is known to nobody but us; the stream below is its owner's.
  if (session.stream !== stream) await session.stream.close()
  session.counts.autoexpunged = await autoexpunge(session)
  mail.log('info', logoutLine(session, reason))
}

/** Before the last line, which says how many messages went. */
async function autoexpunge({ mail }: ImapSession): Promise<number> {
  try {
    return await mail.store.autoexpunge()
  } catch (error) {
    mail.log('error', `Autoexpunge failed: ${String(error)}`)
    return 0
  }
}

/** Whatever waits for the client gives up; a command that runs notices by itself. */
function endFromOutside(session: ImapSession): void {
  session.interrupted = true
  session.stream.setDeadline(1)
  session.remote?.interrupt()
}

/** What was gathered goes out whatever happened. */
function sayGoodbye({ out, stream }: ImapSession, reason: string): void {
  const bye = BYES.get(reason)
  if (bye !== undefined && !stream.ended) out.text(bye)
  out.flush()
}

/** Why a session broke off, in the log's words. A fault of our own is logged by itself. */
function reasonOf(session: ImapSession, error: unknown): string {
  if (session.interrupted) return SHUTTING_DOWN
  if (session.over !== undefined) return session.over
  if (error instanceof SessionOver) return error.message
  if (error instanceof DeadlineExceeded) return session.waiting ? IDLE : SLOW
  if (error instanceof ConnectionLost) return `Connection closed: ${error.message}`
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  session.mail.log('error', `${session.lastCommand} failed: ${text}`)
  return FAULT
}

async function closeMailbox(session: ImapSession): Promise<void> {
  const { selected } = session
  session.selected = undefined
  session.remote?.close()
  try {
    await selected?.mailbox.close()
  } catch (error) {
    session.mail.log('error', `Closing ${selected?.mailbox.name} failed: ${String(error)}`)
  }
}

const IDLE = 'Disconnected for inactivity.'
const SLOW = 'Disconnected for inactivity in reading our output.'
const FAULT = INTERNAL_ERROR
const BYES: ReadonlyMap<string, string> = new Map(
  [IDLE, SLOW, FAULT, SHUTTING_DOWN].map((text) => [text, `* BYE ${text}\r\n`]),
)
