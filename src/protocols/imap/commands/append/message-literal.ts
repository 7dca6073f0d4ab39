import type { Appending } from '../../../../storage/store.ts'
import type { ReadStep } from '../../wire/argument-reader.ts'
import { SessionOver } from '../../server/bad-command.ts'
import { SERVER_LIMITS } from '../../server/limits.ts'
import type { ImapSession } from '../../server/session.ts'

export type MessageLiteral = Extract<ReadStep, { kind: 'literal' }>

/** What kept a message from being saved. */
export interface SaveFailure {
  readonly error: unknown
}

/**
 * Asks for a message where it has to be asked for, and hands it on as it comes. It is read to its end also when it cannot be
 * saved, because what is left of it must not be taken for commands.
 */
export async function readMessage(
  session: ImapSession,
  literal: MessageLiteral,
  to: Appending,
): Promise<SaveFailure | undefined> {
  if (literal.synchronizing) session.out.text('+ OK\r\n')
  session.out.flush()
  let failure: SaveFailure | undefined
  const note = (error: unknown): void => {
    failure ??= { error }
  }
  await eachChunk(session, literal.sizeBytes, (chunk) => {
    if (failure !== undefined) return
    try {
      return to.write(chunk)?.catch(note)
    } catch (error) {
      return note(error)
    }
  })
  if (failure === undefined) await to.end().catch(note)
  return failure
}

/** Reads a message nobody wants. */
export async function skipMessage(session: ImapSession, { sizeBytes }: MessageLiteral): Promise<void> {
  await eachChunk(session, sizeBytes, () => undefined)
}

async function eachChunk(
  session: ImapSession,
  sizeBytes: number,
  take: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  const { stream } = session
  for (let left = sizeBytes; left > 0; ) {
    const chunk = await stream.readSome(Math.min(left, CHUNK_BYTES))
    if (chunk === undefined) throw new SessionOver('Connection closed')
    stream.setDeadline(SERVER_LIMITS.idleMs)
    left -= chunk.length
    const taken = take(chunk)
    if (taken !== undefined) await taken
    if (session.interrupted) session.checkAlive()
  }
}

/** More is not taken from the connection at a time. */
const CHUNK_BYTES = 64 * 1024
