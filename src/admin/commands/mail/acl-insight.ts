import { openExplained } from '../../output/explained.ts'
import { type Command, type CommandCall, CommandUsageError } from '../command.ts'
import { acl, aclCommand, none, only } from './acl.ts'
import type { AclChangeTask, AclPerson } from './acl-task.ts'
import { selectUsers } from './select-users.ts'

/** `acl explain`. */
export const aclExplain = ofUser(
  aclCommand({
    name: 'acl explain',
    usage: '<user>|-u <user>|-A|-F <file> <mailbox>',
    summary: 'Tell for every right whether the user has it on a mailbox, which line decided and what lost.',
    details: ['`postern acl explain` is the same; the name of the mailbox is as this user sees it.'],
    format: openExplained,
    plan: ({ words }) => acl({ action: 'explain', mailbox: only(words) }),
  }),
)

/** `acl what`. */
export const aclWhat = ofUser(
  aclCommand({
    name: 'acl what',
    usage: '<user>|-u <user>|-A|-F <file>',
    summary: 'List every mailbox on which the user has a right, own, shared and public ones.',
    plan: ({ words }) => (none(words), acl({ action: 'what' })),
  }),
)

/** `acl who`. */
export const aclWho = ofOwner(
  aclCommand({
    name: 'acl who',
    usage: '-u <owner> <mailbox>',
    summary: 'List who has a right on a mailbox, and which.',
    details: [
      'The users that the userdbs can list, with their `acl_groups`, whoever else an entry names, and what a nameless member of each group and everybody else would have.',
    ],
    plan: async (call) => acl({ action: 'who', mailbox: only(call.words), people: await peopleOf(call) }),
  }),
)

/** `acl diff`. */
export const aclDiff = ofOwner(
  aclCommand({
    name: 'acl diff',
    usage: '-u <owner> [-x <set|add|remove|delete>] <mailbox> <id> [<right> ...]',
    summary: 'Tell whose rights a change would alter, and make no change.',
    options: [{ letter: 'x', long: 'mode', value: 'mode', doc: 'What would be done; without it `set`.' }],
    async plan(call) {
      const [mailbox, id, ...words] = call.words
      const mode = modeOf(call.value('x') ?? 'set')
      if (mailbox === undefined || id === undefined || mode === undefined) throw new CommandUsageError('')
      return acl({ action: 'diff', mode, mailbox, id, words, people: await peopleOf(call) })
    },
  }),
)

/** `acl verify`. */
export const aclVerify: Command = {
  ...aclCommand({
    name: 'acl verify',
    usage: '[-u <user>|-A|-F <file>]',
    summary: 'Compare what is written down about shared mailboxes with their entries; `acl recalc` puts it right.',
    plan: ({ words }) => (none(words), acl({ action: 'verify' })),
  }),
  statuses: [[1, 'There is something to put right.']],
}

const MODES: readonly AclChangeTask['mode'][] = ['set', 'add', 'remove', 'delete']

function modeOf(word: string): AclChangeTask['mode'] | undefined {
  return MODES.find((mode) => mode === word)
}

/** Of one user only. */
function ofOwner(command: Command): Command {
  return { ...command, options: command.options.filter(({ letter }) => letter !== 'A' && letter !== 'F') }
}

/** The first word is the user when no option names one. */
function ofUser(command: Command): Command {
  return {
    ...command,
    run: async (call) => {
      if (['u', 'A', 'F'].some((letter) => call.has(letter))) return await command.run(call)
      const [user, ...words] = call.words
      if (user === undefined) throw new CommandUsageError('')
      const value = (letter: string): string | undefined => (letter === 'u' ? user : call.value(letter))
      return await command.run({ ...call, words, value })
    },
  }
}

/** Of names and groups; more would not fit into the order to a mail worker. */
const MAX_PEOPLE_BYTES = 512 * 1024

/** Users and their groups, as far as the userdbs can list them. Of several owners there is no telling. */
async function peopleOf(call: CommandCall): Promise<readonly AclPerson[]> {
  if (selectUsers(call).kind !== 'one') throw new CommandUsageError('one owner, please: -u <owner>')
  const people: AclPerson[] = []
  let sizeBytes = 0
  try {
    for await (const user of call.mail.users()) {
      const found = await call.mail.lookup(user, [])
      if (found.kind !== 'found') continue
      const groups = new Map(found.fields).get('acl_groups') ?? ''
      const person = { user: found.user, groups: groups === '' ? [] : groups.split(',') }
      sizeBytes += Buffer.byteLength(JSON.stringify(person))
      if (sizeBytes > MAX_PEOPLE_BYTES) {
        call.out.printError(
          `doveadm: Info: only the first ${people.length} users and those whom entries name are shown\n`,
        )
        break
      }
      people.push(person)
    }
  } catch (error) {
    call.out.printError(
      `doveadm: Info: users cannot be listed, only those whom entries name are shown: ${error instanceof Error ? error.message : String(error)}\n`,
    )
  }
  return people
}
