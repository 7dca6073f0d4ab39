import { type Command, type CommandCall, CommandUsageError, EXIT } from '../command.ts'
import { readOptions, withLetters } from '../getopt.ts'
import { MailTaskError } from './mail-admin.ts'
import { type BatchableCommand, openListing, Run, type Step, USER_OPTIONS, withFatal } from './mail-command.ts'
import { selectUsers } from './select-users.ts'

/** Several commands for each user, one after the other. `commands`: those that may be among them. */
export function batchCommand(commands: readonly BatchableCommand[]): Command {
  return {
    name: 'batch',
    usage: '[-u <user>|-A|-F <file>] <sep> <cmd1> [<sep> <cmd2> [..]]',
    summary: 'Run several commands for each user, one after the other.',
    details: [
      '`<sep>` is any word, such as `:`. A command that fails is the last one for its user. Each command has a listing of its own. Commands that take a message, such as `save`, cannot be among them.',
    ],
    options: USER_OPTIONS,
    hasWordsLast: true,
    statuses: [[EXIT.noUser, 'The user does not exist.']],
    run: async (call) => await withFatal(call, async () => await runBatch(commands, call)),
  }
}

async function runBatch(commands: readonly BatchableCommand[], call: CommandCall): Promise<number> {
  const parts = partsOf(call.words)
  const users = selectUsers(call)
  const steps: Step[] = []
  for (const words of parts) {
    const command = findCommand(commands, words)
    const own = callOf(command, call, words.slice(command.name.split(' ').length))
    const task = await command.plan(own)
    const { columns } = call.mail.check(task)
    const printer = (): ReturnType<Step['printer']> => openListing(command, call, columns, users)
    steps.push({ command, call: own, task, printer, onDone: (listing) => listing.end() })
  }
  return await new Run(call, steps).over(users)
}

/** The commands between the separators. */
function partsOf([separator, ...words]: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]]
  for (const word of words) {
    if (word === separator) parts.push([])
    else parts.at(-1)?.push(word)
  }
  const some = parts.filter((part) => part.length > 0)
  if (some.length === 0) throw new CommandUsageError('')
  return some
}

/** The longest name counts: `mailbox list`. */
function findCommand(commands: readonly BatchableCommand[], words: readonly string[]): BatchableCommand {
  const text = `${words.join(' ')} `
  const [found] = commands
    .filter(({ name }) => text.startsWith(`${name} `))
    .toSorted((one, other) => other.name.length - one.name.length)
  if (found === undefined) {
    const known = commands.some(({ name }) => name.startsWith(`${words[0]} `))
    const name = known ? words.slice(0, 2).join(' ') : words[0]
    throw new MailTaskError(`doveadm batch: '${name}' mail command doesn't exist`, EXIT.usage)
  }
  if (found.input !== undefined)
    throw new MailTaskError(`doveadm batch: '${found.name}' reads a message and cannot be here`, EXIT.usage)
  return found
}

/** What the command would have been called with by itself; whose mail it is the batch says. */
function callOf(command: BatchableCommand, call: CommandCall, argv: readonly string[]): CommandCall {
  const options = command.options.filter(({ letter }) => !USER_OPTIONS.some((one) => one.letter === letter))
  const letters = (wanted: boolean): string =>
    options
      .filter(({ value }) => (value !== undefined) === wanted)
      .map(({ letter }) => letter)
      .join('')
  const read = readOptions(withLetters(argv, options), letters(false), letters(true))
  if ('usage' in read) throw new CommandUsageError(`doveadm batch: ${command.name}: ${read.usage}`)
  return {
    ...call,
    words: read.words,
    argv,
    has: (letter) => read.flags.has(letter),
    value: (letter) => read.flags.get(letter),
    values: (letter) => read.given.filter(([name]) => name === letter).map(([, value]) => value),
  }
}
