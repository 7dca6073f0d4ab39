import type { MailboxStatus } from '../../../storage/store.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from './bad-command.ts'

/** What STATUS can tell. RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 8438; X-GUID is Dovecot's. */
const ITEMS = {
  MESSAGES: ({ messages }) => messages,
  RECENT: ({ recent }) => recent,
  UIDNEXT: ({ uidNext }) => uidNext,
  UIDVALIDITY: ({ uidValidity }) => uidValidity,
  UNSEEN: ({ unseen }) => unseen,
  HIGHESTMODSEQ: ({ highestModSeq }) => highestModSeq,
  SIZE: ({ sizeBytes }) => sizeBytes,
  'X-GUID': ({ guid }) => guid,
} as const satisfies Record<string, (status: MailboxStatus) => number | string>

export type StatusItem = keyof typeof ITEMS

/** Throws BadCommand for items nobody knows. */
export function parseStatusItems(args: readonly Argument[]): ReadonlySet<StatusItem> {
  if (args.length === 0) throw new BadCommand('Empty status list')
  const items = new Set<StatusItem>()
  for (const arg of args) {
    if (arg.kind !== 'atom') throw new BadCommand('Status list contains non-atoms')
    const name = arg.text.toUpperCase()
    if (!isStatusItem(name)) throw new BadCommand(`Invalid status item ${name}`)
    items.add(name)
  }
  return items
}

/** `(MESSAGES 2 UIDNEXT 3)`: always in Dovecot's order. */
export function statusText(status: MailboxStatus, items: ReadonlySet<StatusItem>): string {
  const parts = (Object.keys(ITEMS) as StatusItem[])
    .filter((item) => items.has(item))
    .map((item) => `${item} ${ITEMS[item](status)}`)
  return `(${parts.join(' ')})`
}

function isStatusItem(name: string): name is StatusItem {
  return Object.hasOwn(ITEMS, name)
}
