import { CommandUsageError } from '../command.ts'
import { mailCommand } from './mail-command.ts'
import { MAILBOX_PATHS } from './mail-admin.ts'

/** `mailbox path`. */
export const mailboxPath = mailCommand({
  name: 'mailbox path',
  usage: '[-u <user>|-A|-F <file>] [-t <type>] <mailbox>',
  summary: 'Show where a mailbox lies, whether it exists or not.',
  details: [
    `Types: \`${MAILBOX_PATHS.join('`, `')}\`; without, \`mailbox\`. What a mailbox does not have is not shown.`,
  ],
  options: [{ letter: 't', value: 'type', doc: 'Which of its directories.' }],
  plan({ words: [mailbox, ...more], value }) {
    const type = MAILBOX_PATHS.find((one) => one === (value('t') ?? 'mailbox'))
    if (mailbox === undefined || more.length > 0 || type === undefined) throw new CommandUsageError('')
    return { kind: 'mailbox-path', mailbox, type }
  },
})

/** `index`. */
export const index = mailCommand({
  name: 'index',
  usage: '[-u <user>|-A|-F <file>] [-q] [-n <max recent>] <mailbox mask>',
  summary: 'Read messages that the index does not know yet, so that clients need not wait for that.',
  options: [
    { letter: 'q', doc: 'Accepted: it is done at once, nothing is queued.' },
    { letter: 'n', value: 'max recent', doc: 'Not mailboxes with more recent messages than this.' },
  ],
  plan({ words: [mask, ...more], value }) {
    const most = value('n')
    if (mask === undefined || more.length > 0 || !/^\d*$/.test(most ?? '')) throw new CommandUsageError('')
    return { kind: 'index', mask, maxRecent: most === undefined ? undefined : Number(most) }
  },
})

/** `purge`. */
export const purge = mailCommand({
  name: 'purge',
  usage: '[-u <user>|-A|-F <file>]',
  summary: 'Does nothing: a Maildir holds no messages that are expunged. For scripts that are written for all formats.',
  plan({ words: [extra] }) {
    if (extra !== undefined) throw new CommandUsageError(`Extraneous arguments found: ${extra}`)
    return { kind: 'purge' }
  },
})

/** `deduplicate`. */
export const deduplicate = mailCommand({
  name: 'deduplicate',
  usage: '[-u <user>|-A|-F <file>] [-m] <search query>',
  summary: 'Remove messages that are in the same mailbox already; the first one stays.',
  details: ['They are the same when their GUIDs are. The query is like that of `search`.'],
  options: [{ letter: 'm', doc: 'They are the same when their Message-IDs are.' }],
  plan({ words, has }) {
    if (words.length === 0) throw new CommandUsageError('')
    return { kind: 'deduplicate', query: words, byMessageId: has('m') }
  },
})
