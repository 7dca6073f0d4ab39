import { renameSync } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { pathOf, removeFile } from './disk.ts'
import type { TemporaryMessage } from './draft.ts'
import { withExtraKeywords } from './extra-keywords.ts'
import { sizeInName, withInfo } from './file-name.ts'
import { linkOrCopy, type LinkSource } from './link-message.ts'
import type { MailboxState } from './mailbox-state.ts'
import type { FoundFile } from './scan.ts'
import { uniqueName } from './unique-name.ts'

/** Files moved between two turns of the event loop. */
const FILES_A_TURN = 64

/** A message of another mailbox that is linked when the transaction is committed. */
export interface LinkedMessage extends Omit<TemporaryMessage, 'path'> {
  readonly path: undefined
  readonly source: LinkSource
}

/** A message on its way into the mailbox. */
export type ComingMessage = TemporaryMessage | LinkedMessage

/** A message whose file is where it belongs. */
export interface PlacedMessage {
  readonly path: string | Buffer
  readonly file: FoundFile
  /** Fields of its line in the uidlist. */
  readonly extensions: string
}

/**
 * Moves the messages of one transaction to `cur` (with flags) or `new` (without), all or none. `taken`: base names that others
 * got under the same lock.
 */
export async function placeMessages(
  state: MailboxState,
  messages: readonly ComingMessage[],
  taken: Set<string>,
): Promise<PlacedMessage[]> {
  const placed: PlacedMessage[] = []
  try {
    for (const [index, message] of messages.entries()) {
      if (index % FILES_A_TURN === FILES_A_TURN - 1) await yieldToOthers()
      placed.push(placeMessage(state, named(state, message, taken)))
    }
    return placed
  } catch (error) {
    takeBack(placed)
    throw error
  }
}

/** Removes messages that cannot stay. */
export function takeBack(placed: readonly PlacedMessage[]): void {
  for (const { path } of placed) removeFile(path)
}

/** A hard link keeps the name of what it was copied from, as its identity, unless that is taken here. */
function named(state: MailboxState, message: ComingMessage, taken: Set<string>): ComingMessage {
  const { base, linkedFrom } = message
  const free = linkedFrom === undefined || !(state.hasBase(base) || taken.has(base))
  taken.add(base)
  if (free) return message
  const sizes = (['S', 'W'] as const).map((key) => {
    const size = sizeInName(base, key)
    return size === undefined ? '' : `,${key}=${size}`
  })
  return {
    ...message,
    base: uniqueName(state.place.context.hostname) + sizes.join(''),
    extensions: linkedFrom === undefined || / /.test(linkedFrom) ? '' : `G${linkedFrom}`,
  }
}

function placeMessage(state: MailboxState, message: ComingMessage): PlacedMessage {
  const { base, extensions, bits, keywords } = message
  const { letters, extra } = state.lettersOf(keywords)
  const isNew = bits === 0 && keywords.length === 0
  const info = isNew ? '' : withInfo('', { bits, letters })
  const path = pathOf(`${state.place.mail}/${isNew ? 'new' : 'cur'}`, base + info)
  if (message.path === undefined) linkOrCopy(message.source, path)
  else renameSync(message.path, path)
  return { path, file: { base, info, isNew, moved: false }, extensions: withExtraKeywords(extensions, extra) }
}
