// `postern doveadm`: finds the command, reads its options, runs it.
import { askServer, ControlUnavailable } from './control/client.ts'
import { printGroup, printHelp, printOverview, printUsage } from './cli-help.ts'
import { type GlobalOptions, readGlobalOptions } from './cli-options.ts'
import { type Command, type CommandCall, type CommandOutput, CommandUsageError, EXIT } from './commands/command.ts'
import { readOptions, withLetters } from './commands/getopt.ts'
import type { MailAdmin } from './commands/mail/mail-admin.ts'
import { formats } from './output/index.ts'
import type { OpenPrinter } from './output/printer.ts'

export interface DoveadmIo {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Characters in a line of standard output's terminal. */
  readonly width: number
  readonly readPassword: (prompt: string) => Promise<string>
  /** Where the server of this configuration listens. Throws ControlUnavailable. */
  readonly socketPath: (options: Pick<GlobalOptions, 'config' | 'overrides'>) => string
  /** Users' mail as this configuration has it. */
  readonly mail?: (options: Pick<GlobalOptions, 'config' | 'overrides'>) => MailAdmin
  /** Overwrites the last line of a terminal; does nothing where standard error is none. */
  readonly progress?: (text: string) => void
}

/** Longer than the slowest command takes: a login that waits for `delay_until`, or a stop with its grace period. */
const ANSWER_MS = 330_000

/** Runs `doveadm` with the words behind its name and returns the exit status. */
export async function runDoveadm(
  argv: readonly string[],
  commands: readonly Command[],
  io: DoveadmIo,
): Promise<number> {
  const options = readGlobalOptions(argv)
  if ('problem' in options) {
    io.stderr(`doveadm: ${options.problem}\n`)
    return EXIT.usage
  }
  const format = options.format === undefined ? undefined : formats.get(options.format)
  if (options.format !== undefined && format === undefined) {
    io.stderr(`doveadm: Fatal: Unknown print formatter: ${options.format}\n`)
    return EXIT.temporary
  }
  const [first, ...words] = options.rest
  if (options.help || first === 'help') return showHelp(first === 'help' ? words : options.rest, commands, io)
  const found = findCommand(options.rest, commands)
  if (found === undefined) return unknownCommand(options.rest, commands, io)
  const { command, argv: rest } = found
  const beforeEnd = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
  if (beforeEnd.includes('--help')) {
    io.stdout(printHelp(command))
    return EXIT.ok
  }
  return await runCommand(command, rest, options, format, io)
}

async function runCommand(
  command: Command,
  argv: readonly string[],
  options: GlobalOptions,
  format: OpenPrinter | undefined,
  io: DoveadmIo,
): Promise<number> {
  const letters = (wanted: (option: Command['options'][number]) => boolean): string =>
    command.options
      .filter(wanted)
      .map(({ letter }) => letter)
      .join('')
  const read = readOptions(
    withLetters(argv, command.options),
    letters(({ value }) => value === undefined),
    letters(({ value }) => value !== undefined),
    command.hasWordsLast,
  )
  if ('usage' in read) {
    io.stderr(`${command.name.split(' ').at(-1)}: ${read.usage}\n`)
    return EXIT.usage
  }
  const out = outputTo(io, format)
  const call: CommandCall = {
    words: read.words,
    argv,
    has: (letter) => read.flags.has(letter),
    value: (letter) => read.flags.get(letter),
    values: (letter) => read.given.filter(([name]) => name === letter).map(([, value]) => value),
    out,
    ask: async (request, onRow) => {
      const path = read.flags.get('a') ?? io.socketPath(options)
      if (options.debug) io.stderr(`Debug: asking the server at ${path}: ${request.command}\n`)
      return await ask(path, request, onRow, out)
    },
    readPassword: io.readPassword,
    get mail() {
      if (io.mail === undefined) throw new Error('there is no mail here')
      return io.mail(options)
    },
    progress: (text) => io.progress?.(text),
  }
  return await withComplaints(command, call, io)
}

async function withComplaints(command: Command, call: CommandCall, io: DoveadmIo): Promise<number> {
  try {
    return await command.run(call)
  } catch (error) {
    if (error instanceof ControlUnavailable) {
      io.stderr(`Fatal: ${error.message}\n`)
      return EXIT.temporary
    }
    if (!(error instanceof CommandUsageError)) throw error
    io.stderr(error.message === '' ? printUsage(command) : `Error: ${error.message}\n`)
    return EXIT.usage
  }
}

async function ask(
  path: string,
  request: Parameters<CommandCall['ask']>[0],
  onRow: Parameters<CommandCall['ask']>[1],
  out: CommandOutput,
): Promise<{ status: number }> {
  const replies = askServer(path, request, ANSWER_MS)
  for (;;) {
    const next = await replies.next()
    if (next.done === true) {
      const { status, error } = next.value
      if (error !== undefined) out.complain(error)
      return { status }
    }
    if (next.value.kind === 'row') onRow?.(next.value.row)
    else out.complain(next.value.text, 'Warning')
  }
}

function outputTo({ stdout, stderr, width }: DoveadmIo, format: OpenPrinter | undefined): CommandOutput {
  return {
    format,
    open: (columns, fallback) => (format ?? fallback)(columns, { write: stdout, width }),
    print: stdout,
    complain: (text, severity = 'Error') => stderr(`${severity}: ${text}\n`),
    printError: stderr,
  }
}

/** The longest name that the words begin with, and the words behind it. */
function findCommand(
  words: readonly string[],
  commands: readonly Command[],
): { readonly command: Command; readonly argv: readonly string[] } | undefined {
  const candidates = commands.filter(({ name }) => name.split(' ').every((word, index) => words[index] === word))
  const command = candidates.toSorted((left, right) => right.name.length - left.name.length)[0]
  return command && { command, argv: words.slice(command.name.split(' ').length) }
}

function showHelp(words: readonly string[], commands: readonly Command[], io: DoveadmIo): number {
  if (words.length === 0) io.stdout(printOverview(commands))
  else {
    const found = findCommand(words, commands)
    if (found === undefined) return unknownCommand(words, commands, io)
    io.stdout(printHelp(found.command))
  }
  return EXIT.ok
}

function unknownCommand(words: readonly string[], commands: readonly Command[], io: DoveadmIo): number {
  const groupOf = (length: number): string => words.slice(0, length).join(' ')
  const group = [2, 1].map(groupOf).find((name) => membersOf(name, commands).length > 0)
  if (words.length > 0 && group !== undefined) io.stderr(printGroup(group, membersOf(group, commands)))
  else {
    if (words[0] !== undefined) io.stderr(`doveadm: unknown command '${words[0]}'\n`)
    io.stderr(printOverview(commands))
  }
  return EXIT.usage
}

function membersOf(group: string, commands: readonly Command[]): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${group} `))
}
