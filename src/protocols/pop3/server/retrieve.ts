import { StoreRefusal } from '../../../storage/refusal.ts'
import { messageIndex } from './message-index.ts'
import { parseSize } from './message-number.ts'
import type { PopEnd, PopSession } from './pop-session.ts'
import { sendMessage } from './send-message.ts'

/** RETR: the whole message. RFC 1939 §5. */
export async function retr(session: PopSession, args: string): Promise<PopEnd | undefined> {
  const parsed = messageIndex(session, args)
  if (typeof parsed === 'string') return session.say(parsed)
  if (parsed.rest !== '') return session.say(`-ERR Noise after message number: ${parsed.rest}`)
  const index = parsed.value
  const sent = await send(session, index, `+OK ${session.messages[index]?.sizeBytes ?? 0} octets`)
  if (typeof sent !== 'number') return sent
  session.retrieved.add(index)
  session.last = Math.max(session.last, index + 1)
  session.counts.retr++
  session.counts.retrBytes += sent
  return undefined
}

/** TOP: the header and the first lines. RFC 1939 §7. */
export async function top(session: PopSession, args: string): Promise<PopEnd | undefined> {
  const parsed = messageIndex(session, args)
  if (typeof parsed === 'string') return session.say(parsed)
  if (!parsed.rest.startsWith(' ')) return session.say(`-ERR Noise after message number: ${parsed.rest}`)
  const lines = parseSize(parsed.rest.trimStart())
  if (typeof lines === 'string') return session.say(lines)
  if (lines.rest !== '') return session.say(`-ERR Noise after size: ${lines.rest}`)
  const sent = await send(session, parsed.value, '+OK', lines.value)
  if (typeof sent !== 'number') return sent
  session.counts.top++
  session.counts.topBytes += sent
  return undefined
}

/** Bytes sent without the end mark; or, when the message is gone, the end of the session: its numbers are not true any more. */
async function send(
  session: PopSession,
  index: number,
  first: string,
  bodyLines?: number,
): Promise<number | PopEnd | undefined> {
  const { inbox, stream } = session
  const { uid } = session.messages[index] ?? { uid: 0 }
  let message
  try {
    message = await inbox.mailbox.openMessage(uid)
  } catch (error) {
    if (!(error instanceof StoreRefusal)) throw error
    session.say(
      error.code === 'expunged'
        ? `-ERR [SYS/TEMP] Message ${index + 1} was expunged.`
        : `-ERR [SYS/TEMP] ${error.message}`,
    )
    return error.code === 'expunged' ? { reason: `Message ${index + 1} was expunged` } : undefined
  }
  try {
    session.say(first)
    const sent = await sendMessage(stream, message, {
      withoutNuls: session.hasWorkaround('outlook-no-nuls'),
      endsHeader: session.hasWorkaround('oe-ns-eoh'),
      ...(bodyLines === undefined ? undefined : { bodyLines }),
    })
    stream.write('.\r\n')
    return first.length + 2 + sent
  } finally {
    message.close()
  }
}
