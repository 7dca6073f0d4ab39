import { StoreRefusal } from '../../../../storage/refusal.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { encodeText } from '../../../wire-text.ts'
import { aclSessionOf } from '../../../../acl/session.ts'
import { No } from '../../server/bad-command.ts'
import { askRights, askStatus } from '../../server/remote/asking.ts'
import { astringText, mailboxText } from '../../server/mailbox-argument.ts'
import type { ImapSession } from '../../server/session.ts'
import { parseStatusItems, statusText } from '../../server/status-items.ts'
import type { Listed } from './collect.ts'

/** Says more about a mailbox behind its LIST line. */
export type SayExtra = (session: ImapSession, listed: Listed) => Promise<void>

/** Return options that make more lines, by name; `make` throws BadCommand. */
export const LIST_EXTRAS: ReadonlyMap<string, ListExtra> = new Map<string, ListExtra>([
  ['STATUS', { takesList: true, make: sayStatus }],
  ['MYRIGHTS', { takesList: false, plugin: 'imap_acl', make: () => sayMyRights }],
])

export interface ListExtra {
  /** A list of arguments stands behind its name. */
  readonly takesList: boolean
  /** Without it in `mail_plugins` nobody knows the option. */
  readonly plugin?: string
  make(args: readonly Argument[]): SayExtra
}

/** LIST-MYRIGHTS: nothing about what is no mailbox, or when the rights cannot be told. RFC 8440 §3. */
async function sayMyRights({ mail, out, remote }: ImapSession, { entry, selectable }: Listed): Promise<void> {
  const elsewhere = selectable ? await remote?.find(entry.name) : undefined
  if (remote !== undefined && elsewhere !== undefined) {
    const words = await unlessRefused(askRights(remote, elsewhere))
    if (words !== undefined) out.text(`* MYRIGHTS ${mailboxText(entry.name)} ${words.join(' ')}\r\n`)
    return
  }
  const acl = aclSessionOf(mail.store)
  const named = acl !== undefined && selectable ? await acl.find(entry.name) : undefined
  if (acl === undefined || named === undefined) return
  const reply = await acl.commands.myRights(named)
  if (reply.kind !== 'ok') return
  const words = (reply.strings ?? []).map((word) => astringText(encodeText(word)))
  out.text(`* MYRIGHTS ${mailboxText(entry.name)} ${words.join(' ')}\r\n`)
}

/** LIST-STATUS. RFC 5819. */
function sayStatus(args: readonly Argument[]): SayExtra {
  const items = parseStatusItems(args)
  return async ({ store, out, remote }, { entry, selectable }) => {
    if (!selectable) return
    const elsewhere = await remote?.find(entry.name)
    const text = await unlessRefused(
      remote !== undefined && elsewhere !== undefined
        ? askStatus(remote, elsewhere, items)
        : store.status(entry.name).then((status) => statusText(status, items)),
    )
    if (text !== undefined) out.text(`* STATUS ${mailboxText(entry.name)} ${text}\r\n`)
  }
}

/** It went away, or may be listed and not looked at. */
async function unlessRefused<Value>(asking: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asking
  } catch (error) {
    if (error instanceof StoreRefusal || error instanceof No) return undefined
    throw error
  }
}
