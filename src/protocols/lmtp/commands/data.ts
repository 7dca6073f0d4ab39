import { DotDecoder } from '../../smtp/wire/dot-decoder.ts'
import { beginMessage, conclude } from '../message/conclude.ts'
import type { Message } from '../message/message.ts'
import type { LmtpSession, SessionEnd } from '../session.ts'
import { command } from './command.ts'

/** How much is read at a time. */
export const READ_BYTES = 64 * 1024

/** What DATA and BDAT are told after a BDAT that failed. */
export const CHUNK_FAILED = [503, '5.5.0', 'Previous data chunk failed, issue RSET first'] as const

/** DATA. RFC 5321 §4.1.1.4, answered once a recipient (RFC 2033 §4.2). */
export const data = command(async (session, args) => {
  const { transaction } = session
  if (args !== '') return session.say(501, '5.5.4', 'Invalid parameters')
  if (session.chunkFailed) return session.say(...CHUNK_FAILED)
  if (transaction === undefined) return session.say(503, '5.5.0', 'MAIL needed first')
  if (transaction.message !== undefined) return session.say(503, '5.5.0', 'Bad sequence of commands')
  if (transaction.accepted.length === 0) return session.say(503, '5.5.0', 'No valid recipients')
  session.say(354, undefined, 'OK')
  session.receiving = 'DATA'
  const end = await receive(session, beginMessage(session, transaction))
  if (end !== undefined) return end
  session.receiving = undefined
  return await conclude(session, transaction)
})

async function receive(session: LmtpSession, message: Message): Promise<SessionEnd | undefined> {
  const { stream } = session.io
  const decoder = new DotDecoder()
  for (;;) {
    session.expectInput()
    const input = await stream.readSome(READ_BYTES)
    if (input === undefined) return { reason: 'Connection closed (unfinished DATA command)' }
    const { pieces, end } = decoder.decode(input)
    for (const piece of pieces) message.append(piece)
    if (end !== undefined) {
      if (end < input.length) stream.unread(input.subarray(end))
      message.finish()
      return undefined
    }
    await message.room()
  }
}
