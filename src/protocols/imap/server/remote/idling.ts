import { SessionOver } from '../bad-command.ts'
import type { Invocation, Reply } from '../command.ts'
import { SERVER_LIMITS } from '../limits.ts'
import { lineBytes } from '../run-command.ts'
import type { ImapSession } from '../session.ts'
import type { RemoteConnection, ResponseSink } from './connection.ts'
import type { RemoteMailboxes, RemoteSelected } from './remote-mailboxes.ts'
import { replyOf, taggedText } from './replies.ts'
import { clientSink } from './sinks.ts'

/** IDLE in a mailbox on another server: its news are told as they come. RFC 2177. */
export async function idleElsewhere(
  remote: RemoteMailboxes,
  { place }: RemoteSelected,
  { tag }: Invocation,
): Promise<Reply> {
  const { session } = remote
  return await remote.use(place, async (connection) => {
    const sink = clientSink(session.out, true)
    connection.send(`${tag} IDLE\r\n`)
    const first = await connection.next(tag, sink)
    if (first.kind === 'tagged') return replyOf(taggedText(first), '', '')
    session.out.text('+ idling\r\n')
    session.out.flush()
    const stop = stillHere(session, connection)
    session.waiting = true
    try {
      return await idle(session, connection, tag, sink)
    } finally {
      stop()
      session.waiting = false
    }
  })
}

async function idle(
  session: ImapSession,
  connection: RemoteConnection,
  tag: string,
  sink: ResponseSink,
): Promise<Reply> {
  let isIdle = true
  const reply = connection.next(tag, tellingAtOnce(session, sink), SILENCE_MS).finally(() => (isIdle = false))
  const typed = Promise.resolve(session.stream.readLine(lineBytes(session)))
  // Whichever fails second is nobody's concern.
  reply.catch(() => undefined)
  typed.catch(() => undefined)
  // The server may have had enough before the client has.
  await Promise.race([reply, typed])
  const line = await Promise.race([typed, reply.then(() => typed)])
  if (session.interrupted) session.checkAlive()
  if (line === undefined) throw new SessionOver('Connection closed (IDLE running)')
  if (isIdle) {
    connection.hurry()
    connection.send('DONE\r\n')
  }
  const text = taggedText(await reply)
  return line.toUpperCase() === 'DONE' ? replyOf(text, '', '') : { text: 'BAD Expected DONE' }
}

/** What comes is written at once; that the server is still there the client hears from us. */
function tellingAtOnce({ out }: ImapSession, sink: ResponseSink): ResponseSink {
  return {
    choose: (line) => (/^\* OK Still here/i.test(line) ? 'drop' : sink.choose(line)),
    text: (text) => sink.text(text),
    bytes: (bytes) => sink.bytes(bytes),
    async drained() {
      out.flush()
      await out.drained()
    },
    gathered: () => undefined,
  }
}

/** `imap_idle_notify_interval`; 0 is never. Returns what ends it. */
function stillHere(session: ImapSession, connection: RemoteConnection): () => void {
  const everyMs = session.mail.settings.imap_idle_notify_interval
  if (everyMs <= 0) return () => undefined
  const timer = setInterval(() => {
    if (!connection.isPassing) session.out.text('* OK Still here\r\n')
    session.out.flush()
    session.stream.setDeadline(SERVER_LIMITS.idleMs)
  }, everyMs)
  return () => clearInterval(timer)
}

/** A server that says nothing for so long while it is idled upon is gone: most say every few minutes that they are there. */
const SILENCE_MS = 31 * 60_000
