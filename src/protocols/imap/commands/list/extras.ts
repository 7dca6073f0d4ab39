import { StoreRefusal } from '../../../../storage/refusal.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { mailboxText } from '../../server/mailbox-argument.ts'
import type { ImapSession } from '../../server/session.ts'
import { parseStatusItems, statusText } from '../../server/status-items.ts'
import type { Listed } from './collect.ts'

/** Says more about a mailbox behind its LIST line. */
export type SayExtra = (session: ImapSession, listed: Listed) => Promise<void>

/** Return options that make more lines, by name; `make` throws BadCommand. */
export const LIST_EXTRAS: ReadonlyMap<string, ListExtra> = new Map([['STATUS', { takesList: true, make: sayStatus }]])

export interface ListExtra {
  /** A list of arguments stands behind its name. */
  readonly takesList: boolean
  make(args: readonly Argument[]): SayExtra
}

/** LIST-STATUS. RFC 5819. */
function sayStatus(args: readonly Argument[]): SayExtra {
  const items = parseStatusItems(args)
  return async ({ store, out }, { entry, selectable }) => {
    if (!selectable) return
    try {
      out.text(`* STATUS ${mailboxText(entry.name)} ${statusText(await store.status(entry.name), items)}\r\n`)
    } catch (error) {
      // It went away, or may be listed and not looked at.
      if (!(error instanceof StoreRefusal)) throw error
    }
  }
}
