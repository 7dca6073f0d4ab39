import type { Appending } from '../../../storage/store.ts'
import type { ArgumentReader, ReadStep } from '../wire/argument-reader.ts'
import { writeSequenceSet } from '../wire/sequence-set.ts'
import { BadCommand, No, SessionOver } from '../server/bad-command.ts'
import type { ReadingCommand, Reply } from '../server/command.ts'
import { mailboxName } from '../server/mailbox-argument.ts'
import { farewell, lineBytes, newReader, readLiteral } from '../server/run-command.ts'
import type { ImapSession } from '../server/session.ts'
import { type AppendHead, readHead } from './append/head.ts'
import { type MessageLiteral, readMessage, type SaveFailure, skipMessage } from './append/message-literal.ts'

/** APPEND, of one or more messages. RFC 3501 §6.3.11, RFC 3502 (MULTIAPPEND), RFC 4315 §3 (APPENDUID). */
export const append: ReadingCommand = {
  kind: 'reading',
  name: 'APPEND',
  needs: 'authenticated',
  notFound: 'TRYCREATE',
  async read(session, reader, first) {
    const step = await readName(session, reader, first)
    const [name] = reader.args
    if (name === undefined && step.kind === 'complete') throw new BadCommand('Missing arguments')
    if (name === undefined || name.kind === 'list')
      throw await refusal(session, step, new BadCommand('Invalid arguments'))
    const opened = await open(session, name.text).catch((error: unknown) => error)
    if (!isAppending(opened)) throw await refusal(session, step, opened)
    try {
      return await appendAll(session, opened, reader, step)
    } catch (error) {
      await opened.abort()
      throw error
    }
  },
}

/** Reads on until the mailbox is known: its name may be a literal. */
async function readName(session: ImapSession, reader: ArgumentReader, first: ReadStep): Promise<ReadStep> {
  let step = first
  while (step.kind === 'literal' && reader.args.length === 0) step = await readLiteral(session, reader, step)
  return step
}

async function open(session: ImapSession, name: string): Promise<Appending> {
  return await session.store.beginAppend(mailboxName(session, name))
}

async function appendAll(
  session: ImapSession,
  appending: Appending,
  firstReader: ArgumentReader,
  firstStep: ReadStep,
): Promise<Reply> {
  let reader = firstReader
  let step = firstStep
  let args = firstReader.args.slice(1)
  let count = 0
  for (;;) {
    const head = await readHead(session, reader, step, args).catch(async (error: unknown) => {
      throw error instanceof BadCommand ? await refusal(session, step, error) : error
    })
    const failure = await saveMessage(session, appending, head)
    count++
    const line = await session.stream.readLine(lineBytes(session))
    if (line === undefined) throw new SessionOver('Connection closed')
    reader = newReader(session, true)
    step = reader.line(line, 0)
    args = reader.args
    if (failure !== undefined) throw await refusal(session, step, failure.error)
    if (step.kind === 'complete' && args.length === 0) break
  }
  const { uidValidity, uids } = await appending.commit()
  session.counts.appended += count
  // A mailbox that may be filled but not read does not tell.
  if (uids.length === 0) return { text: 'OK Append completed', sync: { expunge: true } }
  return { text: `OK [APPENDUID ${uidValidity} ${writeSequenceSet(uids)}] Append completed`, sync: { expunge: true } }
}

async function saveMessage(
  session: ImapSession,
  appending: Appending,
  { literal, ...message }: AppendHead,
): Promise<SaveFailure | undefined> {
  if (literal.sizeBytes === 0) {
    throw await refusal(session, literal, new No("Can't save a zero byte message"))
  }
  const { internalDateMs, ...flags } = message
  try {
    await appending.begin({
      ...flags,
      ...(internalDateMs === undefined ? {} : { internalDateMs }),
      sizeBytes: literal.sizeBytes,
    })
  } catch (error) {
    throw await refusal(session, literal, error)
  }
  return await readMessage(session, literal, appending)
}

/**
 * What to throw when the message is not wanted. A client that waits to be asked for it is told so; what another one sends
 * unasked must not be taken for commands.
 */
async function refusal(session: ImapSession, step: ReadStep, why: unknown): Promise<unknown> {
  if (step.kind === 'bye') return farewell(session, step.text)
  if (step.kind === 'literal' && !step.synchronizing) await skipRest(session, step)
  return why
}

/** Skips the message, and the rest of the command with whatever more there is in it. */
async function skipRest(session: ImapSession, first: MessageLiteral): Promise<void> {
  let literal: MessageLiteral | undefined = first
  while (literal !== undefined && !(literal.synchronizing && literal !== first)) {
    await skipMessage(session, literal)
    const line = await session.stream.readLine(lineBytes(session))
    if (line === undefined) throw new SessionOver('Connection closed')
    const step = newReader(session, true).line(line, 0)
    literal = step.kind === 'literal' ? step : undefined
  }
}

function isAppending(value: unknown): value is Appending {
  return typeof value === 'object' && value !== null && 'commit' in value
}
