import { type CommandCall, CommandUsageError } from '../command.ts'
import { mailCommand } from './mail-command.ts'

/** `mailbox update`. */
export const mailboxUpdate = mailCommand({
  name: 'mailbox update',
  usage:
    '[-u <user>|-A|-F <file>] [--mailbox-guid guid] [--uid-validity uid] [--min-next-uid uid] [--min-first-recent-uid uid] [--min-highest-modseq seq] [--min-highest-pvt-modseq seq] <mailbox>',
  summary: 'Change what is known of a mailbox: after a migration, or to make clients forget what they know of it.',
  details: [
    'Sessions that have the mailbox open end with it when its UIDVALIDITY or GUID changes; UIDs of messages stay. Values that are smaller than what there is change nothing, except a UIDVALIDITY.',
  ],
  options: [
    { letter: 'g', long: 'mailbox-guid', value: 'guid', doc: 'Its GUID: 32 hexadecimal digits.' },
    { letter: 'v', long: 'uid-validity', value: 'uid', doc: 'Its UIDVALIDITY: clients forget all messages.' },
    { letter: 'n', long: 'min-next-uid', value: 'uid', doc: 'The least UID of new messages.' },
    {
      letter: 'r',
      long: 'min-first-recent-uid',
      value: 'uid',
      doc: 'Messages below it are not recent; it needs a `--min-next-uid` that is not smaller.',
    },
    { letter: 'm', long: 'min-highest-modseq', value: 'seq', doc: 'HIGHESTMODSEQ is at least this.' },
    { letter: 'p', long: 'min-highest-pvt-modseq', value: 'seq', doc: 'Accepted: private marks share HIGHESTMODSEQ.' },
  ],
  plan(call) {
    const [mailbox, ...more] = call.words
    if (mailbox === undefined) throw new CommandUsageError('')
    if (more.length > 0) throw new CommandUsageError(`Extraneous arguments found: ${more.join(' ')}`)
    numberOf(call, 'p', Number.MAX_SAFE_INTEGER)
    const changes = {
      ...given('uidValidity', numberOf(call, 'v', MAX_UID) || undefined),
      ...given('minNextUid', numberOf(call, 'n', MAX_UID)),
      ...given('minFirstRecentUid', numberOf(call, 'r', MAX_UID)),
      ...given('minHighestModSeq', numberOf(call, 'm', Number.MAX_SAFE_INTEGER)),
      ...given('guid', guidOf(call)),
    }
    return { kind: 'mailbox-update', mailbox, changes }
  },
})

/** 32 bits. */
const MAX_UID = 0xffff_ffff

function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [name in Name]: Value })
}

function numberOf({ value }: CommandCall, letter: string, most: number): number | undefined {
  const text = value(letter)
  if (text === undefined) return undefined
  if (!/^\d{1,16}$/.test(text) || Number(text) > most) throw new CommandUsageError('')
  return Number(text)
}

function guidOf({ value }: CommandCall): string | undefined {
  const text = value('g')
  if (text !== undefined && !/^[0-9a-f]{32}$/i.test(text)) throw new CommandUsageError('')
  return text?.toLowerCase()
}
