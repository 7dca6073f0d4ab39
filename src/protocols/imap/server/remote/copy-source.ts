import type { Appending } from '../../../../storage/store.ts'

/** Messages of the selected mailbox that are on their way to another server, or from one. */
export interface CopySource {
  /** Ascending. */
  readonly uids: readonly number[]
  /** The set names messages that are gone. */
  readonly isShort: boolean
  /** Reads a message and hands it on; false when it is gone. */
  copyOne(uid: number, to: Appending): Promise<boolean>
  /** Throws the refusal when these messages may not be removed: better before than after they were copied. */
  expectRemovable(): Promise<void>
  /** Removes what was copied; the client hears of it. Throws No when that did not work. */
  remove(): Promise<void>
}

/** The end of a MOVE of which only the first half came to pass. */
export const COPIED_ONLY = 'Messages were copied, but could not be removed here'
