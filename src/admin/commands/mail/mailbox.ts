import type { Command } from '../command.ts'
import { CommandUsageError, EXIT } from '../command.ts'
import { decodeMutf7, encodeMutf7 } from '../../../util/mutf7.ts'
import { mailCommand } from './mail-command.ts'

const SUBSCRIBE = 's'

/** `mailbox list`. */
export const mailboxList = mailCommand({
  name: 'mailbox list',
  usage: '[-u <user>|-A|-F <file>] [-7|-8] [-s] [<mailbox mask> [...]]',
  summary: 'List mailboxes, all or those that match a mask.',
  details: ['In a mask `*` stands for anything and `%` for anything in one level of the hierarchy.'],
  options: [
    { letter: '7', doc: 'Names in modified UTF-7, as IMAP has them.' },
    { letter: '8', doc: 'Names in UTF-8, which is how they come without it, too.' },
    { letter: SUBSCRIBE, doc: 'Only subscribed ones, whether they exist or not.' },
  ],
  plan: ({ words, has }) => ({ kind: 'mailbox-list', masks: words, subscribed: has(SUBSCRIBE), mutf7: has('7') }),
})

/** `mailbox status`. */
export const mailboxStatus = mailCommand({
  name: 'mailbox status',
  usage: '[-u <user>|-A|-F <file>] [-t] <fields> <mailbox> [...]',
  summary: 'Show counts of mailboxes.',
  details: [
    'Fields, in one word: `all`, or some of `messages recent uidnext uidvalidity unseen highestmodseq vsize guid firstsaved`.',
  ],
  options: [{ letter: 't', doc: 'Sums over all the mailboxes.' }],
  plan({ words: [fields, ...masks], has }) {
    if (fields === undefined || masks.length === 0) throw new CommandUsageError('')
    return { kind: 'mailbox-status', fields, masks, total: has('t') }
  },
})

/** `mailbox create`. */
export const mailboxCreate = mailCommand({
  name: 'mailbox create',
  usage: '[-u <user>|-A|-F <file>] [-s] <mailbox> [...]',
  summary: 'Create mailboxes.',
  details: ['A name that ends with the separator makes a directory for other mailboxes.'],
  options: [{ letter: SUBSCRIBE, doc: 'Subscribe them too.' }],
  plan({ words, has }) {
    return { kind: 'mailbox-create', names: some(words), subscribe: has(SUBSCRIBE) }
  },
})

/** `mailbox delete`. */
export const mailboxDelete = mailCommand({
  name: 'mailbox delete',
  usage: '[-u <user>|-A|-F <file>] [-e] [-r] [-s] <mailbox> [...]',
  summary: 'Delete mailboxes with the mail in them.',
  options: [
    { letter: 'e', doc: 'Only those without mail.' },
    { letter: 'r', doc: 'Those below them too.' },
    { letter: SUBSCRIBE, doc: 'Unsubscribe them too.' },
  ],
  plan({ words, has }) {
    const flags = { unsubscribe: has(SUBSCRIBE), recursive: has('r'), onlyEmpty: has('e') }
    return { kind: 'mailbox-delete', names: some(words), ...flags }
  },
})

/** `mailbox rename`. */
export const mailboxRename = mailCommand({
  name: 'mailbox rename',
  usage: '[-u <user>|-A|-F <file>] [-s] <old name> <new name>',
  summary: 'Rename a mailbox and those below it.',
  options: [{ letter: SUBSCRIBE, doc: 'Subscribe the new name and unsubscribe the old one.' }],
  plan({ words: [from, to, ...more], has }) {
    if (from === undefined || to === undefined || more.length > 0) throw new CommandUsageError('')
    return { kind: 'mailbox-rename', from, to, subscribe: has(SUBSCRIBE) }
  },
})

/** `mailbox subscribe`. */
export const mailboxSubscribe = mailCommand({
  name: 'mailbox subscribe',
  usage: '[-u <user>|-A|-F <file>] <mailbox> [...]',
  summary: 'Subscribe mailboxes, whether they exist or not.',
  plan: ({ words }) => ({ kind: 'mailbox-subscribe', names: some(words), subscribed: true }),
})

/** `mailbox unsubscribe`. */
export const mailboxUnsubscribe = mailCommand({
  name: 'mailbox unsubscribe',
  usage: '[-u <user>|-A|-F <file>] <mailbox> [...]',
  summary: 'Unsubscribe mailboxes.',
  plan: ({ words }) => ({ kind: 'mailbox-subscribe', names: some(words), subscribed: false }),
})

/** `mailbox mutf7`. */
export const mailboxMutf7: Command = {
  name: 'mailbox mutf7',
  usage: '[-7|-8] <name> [...]',
  summary: "Turn mailbox names into IMAP's modified UTF-7, or back.",
  options: [
    { letter: '7', doc: 'The names are in modified UTF-7.' },
    { letter: '8', doc: 'The names are in UTF-8, which they are without it, too.' },
  ],
  async run({ words, has, out }) {
    let status: number = EXIT.ok
    for (const name of some(words)) {
      const turned = has('7') ? decodeMutf7(name) : encodeMutf7(name)
      if (turned === undefined) {
        out.complain(`Mailbox name not valid mUTF-7: ${name}`)
        status = EXIT.failed
      } else out.print(`${turned}\n`)
    }
    return await Promise.resolve(status)
  },
}

function some(words: readonly string[]): readonly string[] {
  if (words.length === 0) throw new CommandUsageError('')
  return words
}
