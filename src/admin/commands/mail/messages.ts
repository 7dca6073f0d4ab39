import { createReadStream } from 'node:fs'
import { openPager } from '../../output/pager.ts'
import { type CommandCall, CommandUsageError } from '../command.ts'
import { mailCommand } from './mail-command.ts'

const QUERY =
  'A query is made of the keys of IMAP SEARCH and `mailbox NAME` (a mask), `mailbox-guid GUID`, `guid GUID`; keys stand behind each other, or with `or` between them, or in parentheses that are words of their own. Dates may also be `yyyy-mm-dd`, a UNIX time or an age such as `2weeks`, sizes may have a unit.'

/** `search`. */
export const search = mailCommand({
  name: 'search',
  usage: '[-u <user>|-A|-F <file>] <search query>',
  summary: 'List messages that match a query: the GUID of the mailbox and the UID.',
  details: [QUERY],
  plan: ({ words }) => ({ kind: 'search', query: query(words) }),
})

/** `fetch`. */
export const fetch = mailCommand({
  name: 'fetch',
  usage: '[-u <user>|-A|-F <file>] <fields> <search query>',
  summary: 'Show messages, or what is known of them.',
  details: [
    'Fields, in one word: `user mailbox mailbox-guid seq uid guid flags modseq hdr body text text.utf8 size.physical size.virtual date.received date.sent date.saved`, the dates also with `.unixtime`, `imap.envelope imap.body imap.bodystructure pop3.uidl pop3.order refcount storageid`, `hdr.NAME`, `body.SECTION` and `binary.SECTION`.',
    QUERY,
  ],
  format: openPager,
  plan: ({ words: [fields = '', ...rest] }) => ({ kind: 'fetch', fields, query: query(rest) }),
})

function flagsCommand(mode: 'add' | 'remove' | 'replace', summary: string) {
  return mailCommand({
    name: `flags ${mode}`,
    usage: '[-u <user>|-A|-F <file>] <flags> <search query>',
    summary,
    details: ['Flags are one word with blanks between them: `"\\Seen $Label1"`.', QUERY],
    plan: ({ words: [flags = '', ...rest] }) => ({ kind: 'flags', mode, flags, query: query(rest) }),
  })
}

export const flagsAdd = flagsCommand('add', 'Set flags of messages.')
export const flagsRemove = flagsCommand('remove', 'Take flags of messages away.')
export const flagsReplace = flagsCommand('replace', 'Give messages these flags and no others.')

/** `expunge`. */
export const expunge = mailCommand({
  name: 'expunge',
  usage: '[-u <user>|-A|-F <file>] [-d] <search query>',
  summary: 'Remove messages, whatever their flags.',
  details: ['Against accidents every branch of the query must name mailboxes, and something else besides.', QUERY],
  options: [{ letter: 'd', doc: 'Delete mailboxes that are empty then.' }],
  plan: ({ words, has }) => ({ kind: 'expunge', query: query(words), deleteEmpty: has('d') }),
})

/** `copy`. */
export const copy = mailCommand({
  name: 'copy',
  usage: '[-u <user>|-A|-F <file>] <destination> [user <source user>] <search query>',
  summary: 'Copy messages into a mailbox, from others of the user or of another user.',
  details: [QUERY],
  plan: ({ words }) => ({ kind: 'copy', ...transfer(words) }),
})

/** `move`. */
export const move = mailCommand({
  name: 'move',
  usage: '[-u <user>|-A|-F <file>] <destination> [user <source user>] <search query>',
  summary: 'Move messages into a mailbox, from others of the user or of another user.',
  details: [QUERY],
  plan: ({ words }) => ({ kind: 'move', ...transfer(words) }),
})

function transfer([to = '', ...rest]: readonly string[]) {
  const [word, sourceUser] = rest
  const other = word?.toLowerCase() === 'user' && sourceUser !== undefined
  return other ? { to, sourceUser, query: query(rest.slice(2)) } : { to, sourceUser: undefined, query: query(rest) }
}

/** `import`. */
export const importMail = mailCommand({
  name: 'import',
  usage: '[-u <user>|-A|-F <file>] [-U source-user] [-s] <source mail location> <dest parent mailbox> <search query>',
  summary: 'Copy messages of a mail location, as `mail_location` names one, into mailboxes below another one.',
  details: [
    'Mailboxes keep their names: INBOX of the source becomes `<dest parent mailbox>/INBOX`. They are made where messages go there. An empty parent is none. The source needs the rights of the user; it is not changed, but for files that servers keep beside the mail. Where both lie on one file system messages are linked, not copied.',
    QUERY,
  ],
  options: [
    { letter: 's', doc: 'Subscribe the mailboxes too.' },
    { letter: 'U', value: 'source-user', doc: 'Whose home and name are meant by `~`, `%h` and `%u` in the location.' },
  ],
  plan({ words: [location, parent, ...rest], has, value }) {
    if (location === undefined || parent === undefined) throw new CommandUsageError('')
    return { kind: 'import', location, parent, sourceUser: value('U'), subscribe: has('s'), query: query(rest) }
  },
})

/** Opened when it is read, so that a file that is not there is the reader's. */
async function* fileBytes(path: string): AsyncIterable<Buffer> {
  yield* createReadStream(path) as AsyncIterable<Buffer>
}

/** `save`. */
export const save = mailCommand({
  name: 'save',
  usage: '[-u <user>|-A|-F <file>] [-m mailbox] [<file>]',
  summary: 'Put a message into a mailbox, from a file or from standard input.',
  options: [{ letter: 'm', value: 'mailbox', doc: 'Which one; INBOX without.' }],
  plan({ words, value }) {
    if (words.length > 1) throw new CommandUsageError('')
    return { kind: 'save', mailbox: value('m') ?? 'INBOX' }
  },
  input: ({ words: [path] }: CommandCall) => (path === undefined ? process.stdin : fileBytes(path)),
})

/** `force-resync`. */
export const forceResync = mailCommand({
  name: 'force-resync',
  usage: '[-u <user>|-A|-F <file>] [-f] <mailbox mask>',
  summary: 'Look at all files of mailboxes again, and put right what an index says of them.',
  options: [{ letter: 'f', doc: 'Accepted: there is no file system check that could be left out.' }],
  plan({ words: [mask, ...more] }) {
    if (mask === undefined || more.length > 0) throw new CommandUsageError('')
    return { kind: 'force-resync', mask }
  },
})

function query(words: readonly string[]): readonly string[] {
  if (words.length === 0) throw new CommandUsageError('')
  return words
}
