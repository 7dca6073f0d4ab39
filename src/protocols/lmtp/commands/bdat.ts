import { beginMessage, conclude } from '../message/conclude.ts'
import type { Message } from '../message/message.ts'
import type { LmtpSession, SessionEnd } from '../session.ts'
import type { Transaction } from '../transaction.ts'
import { command } from './command.ts'
import { CHUNK_FAILED, READ_BYTES } from './data.ts'

/**
 * BDAT. RFC 3030 §2. After a chunk whose size cannot be read the connection ends: what follows might be a message, and must not
 * be taken for commands.
 */
export const bdat = command(async (session, args) => {
  const match = /^(\d{1,15})(?: ([^ ]+))?$/.exec(args)
  if (match === null) {
    session.say(501, '5.5.4', 'Invalid chunk size parameter')
    return { reason: 'Invalid BDAT command' }
  }
  const size = Number(match[1])
  const marker = match[2]?.toUpperCase()
  session.receiving = 'BDAT'
  const end = await receiveChunk(session, size, marker)
  if (end !== undefined) return end
  session.receiving = undefined
  const { transaction } = session
  return marker === 'LAST' && !session.chunkFailed && transaction?.message?.state === 'complete'
    ? await conclude(session, transaction)
    : undefined
})

async function receiveChunk(
  session: LmtpSession,
  size: number,
  marker: string | undefined,
): Promise<SessionEnd | undefined> {
  const { transaction } = session
  const problem = session.chunkFailed ? CHUNK_FAILED : problemOf(transaction, marker)
  if (transaction === undefined || problem !== undefined) {
    session.chunkFailed = true
    const end = await read(session, size, () => undefined)
    if (end === undefined) session.say(...(problem ?? NO_MAIL))
    return end
  }
  const message = transaction.message ?? beginMessage(session, transaction)
  const end = await read(session, size, async (piece) => await take(message, piece))
  if (end !== undefined) return end
  if (marker === 'LAST') message.finish()
  else session.say(250, '2.0.0', `Added ${size} octets`)
  return undefined
}

type Problem = readonly [code: number, enhanced: string, text: string]

const NO_MAIL: Problem = [503, '5.5.0', 'MAIL needed first']

function problemOf(transaction: Transaction | undefined, marker: string | undefined): Problem | undefined {
  if (marker !== undefined && marker !== 'LAST') return [501, '5.5.4', 'Invalid end marker parameter']
  if (transaction === undefined) return NO_MAIL
  return transaction.accepted.length === 0 ? [503, '5.5.0', 'No valid recipients'] : undefined
}

async function take(message: Message, piece: Buffer): Promise<void> {
  message.append(piece)
  await message.room()
}

async function read(
  session: LmtpSession,
  size: number,
  each: (piece: Buffer) => Promise<void> | undefined,
): Promise<SessionEnd | undefined> {
  for (let left = size; left > 0; ) {
    session.expectInput()
    const piece = await session.io.stream.readSome(Math.min(left, READ_BYTES))
    if (piece === undefined) return { reason: 'Connection closed (unfinished BDAT command)' }
    left -= piece.length
    await each(piece)
  }
  return undefined
}
