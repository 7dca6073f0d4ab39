import { formatPath } from '../../smtp/wire/path.ts'
import { formatReceived } from '../../smtp/wire/received.ts'
import { encodeLine, encodeText } from '../../wire-text.ts'
import type { LmtpSession, SessionEnd } from '../session.ts'
import type { Transaction } from '../transaction.ts'
import type { Message } from './message.ts'

/** The message begins: with our trace, if `lmtp_add_received_header` says so. */
export function beginMessage(session: LmtpSession, transaction: Transaction): Message {
  const message = transaction.openMessage()
  if (session.settings.lmtp_add_received_header) message.append(Buffer.from(traceOf(session, transaction), 'latin1'))
  return message
}

/** The whole message is here: answers for its recipients, each as soon as it and those before are known. */
export async function conclude(session: LmtpSession, transaction: Transaction): Promise<SessionEnd | undefined> {
  // The client waits for us now, not we for it.
  session.io.stream.setDeadline(undefined)
  for (const recipient of transaction.accepted) {
    const reply = await recipient.reply
    if (reply === '') return { reason: 'Connection closed' }
    session.replies.push(reply)
  }
  session.reset()
  return undefined
}

function traceOf(session: LmtpSession, transaction: Transaction): string {
  const { io, helo, client } = session
  const [only, ...others] = transaction.accepted
  return formatReceived({
    helo: helo === undefined ? undefined : encodeText(helo),
    remoteIp: client.remote.ip,
    tls: io.stream.tls,
    hostname: encodeLine(io.hostname),
    protocol: 'LMTP',
    id: transaction.id,
    from: formatPath(transaction.envelope.from),
    recipient: others.length === 0 ? only?.path : undefined,
    date: new Date(session.services.now()),
  })
}
