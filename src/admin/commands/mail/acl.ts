import { openTable } from '../../output/table.ts'
import { type Command, type CommandCall, type CommandOption, CommandUsageError, EXIT } from '../command.ts'
import type { AclChangeTask, AclTask } from './acl-task.ts'
import type { MailTask } from './mail-admin.ts'
import { mailCommand, type MailCommand } from './mail-command.ts'

const RECURSIVE = 'r'
const DRY_RUN = 'n'
const UNTIL = 't'

const CHANGE_OPTIONS: readonly CommandOption[] = [
  { letter: RECURSIVE, long: 'recursive', doc: 'The mailboxes below it too; shows what changed.' },
  { letter: DRY_RUN, long: 'dry-run', doc: 'Changes nothing; shows what would change.' },
]

/** `acl get`. */
export const aclGet = aclCommand({
  name: 'acl get',
  usage: '[-u <user>|-A|-F <file>] [-m] <mailbox>',
  summary: 'Show the entries of a mailbox, in the order in which they are weighed.',
  options: [{ letter: 'm', doc: 'Only those that apply to the user.' }],
  plan: ({ words, has }) => acl({ action: 'get', mailbox: only(words), onlyMatching: has('m') }),
})

/** `acl rights`. */
export const aclRights = aclCommand({
  name: 'acl rights',
  usage: '[-u <user>|-A|-F <file>] <mailbox>',
  summary: 'Show what the user may do with a mailbox.',
  plan: ({ words }) => acl({ action: 'rights', mailbox: only(words) }),
})

/** `acl set`. */
export const aclSet = changeCommand('set', {
  summary: 'Give an identifier these rights and no others.',
})

/** `acl add`. */
export const aclAdd = changeCommand('add', { summary: 'Give an identifier more rights.' })

/** `acl remove`. */
export const aclRemove = changeCommand('remove', {
  summary: 'Take rights away from an identifier; its entry stays, even when it gives nothing any more.',
})

/** `acl delete`. */
export const aclDelete = changeCommand('delete', { summary: 'Forget what an identifier was given and denied.' })

/** `acl recalc`. */
export const aclRecalc = aclCommand({
  name: 'acl recalc',
  usage: '[-u <user>|-A|-F <file>]',
  summary: 'Write down anew what the user shares with whom.',
  details: ['Grants that have ended are taken out of the files.'],
  plan: ({ words }) => (none(words), acl({ action: 'recalc' })),
})

/** `acl debug`. */
export const aclDebug = aclCommand({
  name: 'acl debug',
  usage: '[-u <user>|-A|-F <file>] <mailbox>',
  summary: 'Tell, on standard error, what the user may do with a mailbox and whether LIST shows it.',
  plan: ({ words }) => acl({ action: 'debug', mailbox: only(words) }),
})

function changeCommand(mode: AclChangeTask['mode'], { summary }: { readonly summary: string }): Command {
  const takesRights = mode !== 'delete'
  return aclCommand({
    name: `acl ${mode}`,
    usage: `[-u <user>|-A|-F <file>] [-r] [-n] ${takesRights ? '[-t <time>] ' : ''}<mailbox> <id>${takesRights ? ' <right> [<right> ...]' : ''}`,
    summary,
    details: takesRights
      ? [
          'An `<id>` is `user=joe`, `group=staff`, `group-override=staff`, `owner`, `authenticated` or `anyone`. A `<right>` is `lookup`, `read`, `write`, `write-seen`, `write-deleted`, `insert`, `post`, `expunge`, `create`, `delete`, `admin` or `all`; `-right` denies it, which needs a `--` before all the words: `acl set -u joe -- Work user=jane lookup -write`.',
        ]
      : [],
    options: [
      ...CHANGE_OPTIONS,
      ...(takesRights
        ? [
            {
              letter: UNTIL,
              long: 'until',
              value: 'time',
              doc: 'The grant ends then: `2026-12-31`, `2026-12-31T12:00:00Z`, or `never`.',
            },
          ]
        : []),
    ],
    plan(call) {
      const [mailbox, id, ...words] = call.words
      if (mailbox === undefined || id === undefined || takesRights !== words.length > 0) throw new CommandUsageError('')
      const until = call.value(UNTIL)
      const asked = { recursive: call.has(RECURSIVE), dryRun: call.has(DRY_RUN), ...(until !== undefined && { until }) }
      return acl({ action: 'change', mode, mailbox, id, words, ...asked })
    },
  })
}

/** A command about rights. */
export function aclCommand(command: MailCommand): Command {
  return {
    ...mailCommand({ format: openTable, ...command }),
    statuses: [
      [EXIT.usage, 'The identifier or the rights make no sense.'],
      [EXIT.noUser, 'The user does not exist.'],
      [EXIT.notFound, 'The mailbox does not exist, or the user has no ACLs.'],
      [EXIT.temporary, 'It failed for now: an entry cannot be read or written.'],
    ],
  }
}

export function acl(task: AclTask): MailTask {
  return { kind: 'acl', acl: task }
}

export function only(words: CommandCall['words']): string {
  const [mailbox, ...more] = words
  if (mailbox === undefined || more.length > 0) throw new CommandUsageError('')
  return mailbox
}

export function none([extra]: CommandCall['words']): void {
  if (extra !== undefined) throw new CommandUsageError('')
}
