import { type Command, type CommandOption, CommandUsageError } from '../command.ts'
import { USER_OPTIONS } from './mail-command.ts'

/** Dovecot's exit status for what a storage cannot do. */
const EX_CANNOT = 65

/** A command of Dovecot's that makes no sense here: it says why, and does nothing. */
function notHere(name: string, usage: string, why: string, options: readonly CommandOption[] = []): Command {
  return {
    name,
    usage,
    summary: `Refused: ${why}`,
    options: [...USER_OPTIONS, ...options],
    statuses: [[EX_CANNOT, 'Always.']],
    async run({ words, out }) {
      if (words.length === 0) throw new CommandUsageError('')
      out.complain(`${name}: ${why}`)
      return await Promise.resolve(EX_CANNOT)
    },
  }
}

const NO_ATTRIBUTES = 'Mailbox attributes not enabled: METADATA is not there.'
const NO_CACHE = 'There is no dovecot.index.cache: `postern.index` may be deleted at any time, `index` fills it.'
const QUERY = '[-u <user>|-A|-F <file>] <search query>'

export const altmove = notHere('altmove', `[-r] ${QUERY}`, 'A Maildir has no alternative storage.', [
  { letter: 'r', doc: 'Back from there.' },
])
export const metadataGet = notHere('mailbox metadata get', '[-u <user>|-A|-F <file>] <mailbox> <key>', NO_ATTRIBUTES)
export const metadataList = notHere(
  'mailbox metadata list',
  '[-u <user>|-A|-F <file>] <mailbox> [<key prefix>]',
  NO_ATTRIBUTES,
)
export const metadataSet = notHere(
  'mailbox metadata set',
  '[-u <user>|-A|-F <file>] <mailbox> <key> <value>',
  NO_ATTRIBUTES,
)
export const metadataUnset = notHere(
  'mailbox metadata unset',
  '[-u <user>|-A|-F <file>] <mailbox> <key>',
  NO_ATTRIBUTES,
)
export const cacheDecision = notHere('mailbox cache decision', '[-u <user>|-A|-F <file>] --all <mailbox>', NO_CACHE, [
  { letter: 'a', long: 'all', doc: 'All fields.' },
])
export const cachePurge = notHere('mailbox cache purge', '[-u <user>|-A|-F <file>] <mailbox>', NO_CACHE)
export const cacheRemove = notHere('mailbox cache remove', QUERY, NO_CACHE)
