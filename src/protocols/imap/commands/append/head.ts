import type { Argument, ArgumentReader, ReadStep } from '../../wire/argument-reader.ts'
import { parseDateTime } from '../../wire/date-time.ts'
import { LARGEST_NUMBER } from '../../wire/sequence-set.ts'
import { BadCommand, No } from '../../server/bad-command.ts'
import { type FlagNames, parseFlags } from '../../server/flag-argument.ts'
import { farewell, readLiteral } from '../../server/run-command.ts'
import type { ImapSession } from '../../server/session.ts'
import type { MessageLiteral } from './message-literal.ts'

/** What stands before a message. RFC 3501 §9 (append), RFC 3502. */
export interface AppendHead extends FlagNames {
  readonly internalDateMs?: number
  readonly literal: MessageLiteral
}

/** `[(flags)] ["date-time"] {size}`, of which `given` was read. Throws BadCommand. */
export async function readHead(
  session: ImapSession,
  reader: ArgumentReader,
  first: ReadStep,
  given: readonly Argument[],
): Promise<AppendHead> {
  let step = first
  while (step.kind === 'literal' && reader.inList) step = await readLiteral(session, reader, step)
  if (step.kind === 'bad') throw new BadCommand(step.text)
  if (step.kind === 'bye') throw farewell(session, step.text)
  const [one, two, ...more] = given
  const flags = one?.kind === 'list' ? parseFlags(one.items) : { bits: 0, keywords: [] }
  const date = one?.kind === 'list' ? two : one
  if (step.kind === 'complete' && given.length > 0) throw new BadCommand('Invalid arguments')
  if (date !== undefined && date.kind !== 'string') throw new BadCommand('Invalid arguments')
  const internalDateMs = date === undefined ? undefined : parseDateTime(date.text)
  if (date !== undefined && internalDateMs === undefined) throw new BadCommand('Invalid internal date')
  if (more.length > 0 || (one?.kind !== 'list' && two !== undefined)) throw new BadCommand('Invalid arguments')
  if (step.kind === 'complete') throw new BadCommand('Missing message size')
  if (step.sizeBytes > LARGEST_NUMBER) {
    throw step.synchronizing ? new No('[TOOBIG] Message is too large') : farewell(session, 'Literal size too large')
  }
  return { ...flags, ...(internalDateMs === undefined ? {} : { internalDateMs }), literal: step }
}
