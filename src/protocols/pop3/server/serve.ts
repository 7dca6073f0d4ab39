import { type ByteStream, ConnectionLost, DeadlineExceeded, LineTooLong } from '../../../net/byte-stream.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import type { MailSession } from '../../mail-session.ts'
import { runCommand } from './commands.ts'
import { SERVER_LIMITS } from './limits.ts'
import { LOGGED_IN } from './logged-in.ts'
import { logoutLine } from './logout-line.ts'
import { openPopMailbox, type PopMailbox } from './pop-mailbox.ts'
import { type PopEnd, PopSession } from './pop-session.ts'

/** Serves INBOX by POP3 until the client leaves, keeps quiet for too long or has to go. RFC 1939. */
export async function serve(stream: ByteStream, mail: MailSession): Promise<void> {
  const { bytesIn, bytesOut } = stream
  // Counted, as in Dovecot: the first that the session says.
  if (mail.reply !== undefined) stream.write(`${mail.reply.notice}${LOGGED_IN}`)
  const inbox = await openInbox(stream, mail)
  if (inbox === undefined) return
  const session = new PopSession(stream, mail, inbox, { bytesIn, bytesOut })
  try {
    const { reason } = await untilEnd(session)
    mail.log('info', `Disconnected: ${reason} ${logoutLine(session)}`)
  } finally {
    await inbox.mailbox.close()
  }
}

async function openInbox(stream: ByteStream, mail: MailSession): Promise<PopMailbox | undefined> {
  try {
    return await openPopMailbox(mail.store, mail.settings)
  } catch (error) {
    if (!(error instanceof StoreRefusal)) throw error
    mail.log('error', `Couldn't open INBOX: ${error.message}`)
    const code = error.code === 'no-permission' ? 'SYS/PERM' : error.code === 'in-use' ? 'IN-USE' : 'SYS/TEMP'
    stream.write(`-ERR [${code}] ${error.message}\r\n`)
    return undefined
  }
}

async function untilEnd(session: PopSession): Promise<PopEnd> {
  const { stream, mail } = session
  const leave = (): void => {
    session.say('-ERR Server shutting down.')
    void stream.close()
  }
  mail.signal.addEventListener('abort', leave, { once: true })
  try {
    if (mail.signal.aborted) leave()
    return await converse(session)
  } catch (error) {
    const end = brokenOff(session, error)
    if (mail.signal.aborted) return { reason: 'Server shutting down.' }
    if (end === undefined) throw error
    return end
  } finally {
    mail.signal.removeEventListener('abort', leave)
  }
}

async function converse(session: PopSession): Promise<PopEnd> {
  const { stream, mail } = session
  for (;;) {
    stream.setDeadline(SERVER_LIMITS.idleMs)
    const line = await stream.readLine(SERVER_LIMITS.lineBytes)
    if (line === undefined) return { reason: mail.signal.aborted ? 'Server shutting down.' : 'Connection closed' }
    stream.setDeadline(SERVER_LIMITS.stalledMs)
    const end = await runCommand(session, line)
    if (end !== undefined) return end
  }
}

function brokenOff(session: PopSession, error: unknown): PopEnd | undefined {
  if (error instanceof LineTooLong) {
    session.say('-ERR Input line too long.')
    return { reason: 'Input line too long' }
  }
  if (error instanceof DeadlineExceeded) {
    session.say('-ERR Disconnected for inactivity.')
    return { reason: 'Inactivity' }
  }
  return error instanceof ConnectionLost ? { reason: 'Connection closed' } : undefined
}
