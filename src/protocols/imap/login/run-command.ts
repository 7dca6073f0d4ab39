import { andThen, type Soon } from '../../../util/soon.ts'
import type { LoginEnd } from '../../protocol.ts'
import type { Argument, ReadStep } from '../wire/argument-reader.ts'
import { ArgumentReader } from '../wire/argument-reader.ts'
import { isTag } from '../wire/grammar.ts'
import type { CommandOutcome, LoginCommand } from './command.ts'
import { loginCommands } from './commands.ts'
import type { LoginDialogue } from './dialogue.ts'
import { LOGIN_LIMITS } from './dialogue.ts'

/** Runs the command that begins with this line and reads the rest of it. Undefined: go on with the next. */
export function runCommand(dialogue: LoginDialogue, line: string): Soon<LoginEnd | undefined> {
  const tagEnd = wordEnd(line, 0)
  const tag = line.slice(0, tagEnd)
  // What is no tag is not sent back: it may be a browser's, and mean something to it.
  if (!isTag(tag)) return dialogue.badCommand('*')
  const nameStart = tagEnd + 1
  const nameEnd = wordEnd(line, nameStart)
  const name = line.slice(nameStart, nameEnd)
  // Most clients write it as the table does.
  const command = loginCommands.get(name) ?? loginCommands.get(name.toUpperCase())
  const conclude = (outcome: CommandOutcome): LoginEnd | undefined =>
    outcome === 'bad' ? dialogue.badCommand(tag) : outcome
  if (command?.kind === 'raw') return andThen(command.run(dialogue, tag, line.slice(nameEnd + 1)), conclude)
  return andThen(readArguments(dialogue, tag, command, line, nameEnd), (args) => {
    if (!isArguments(args)) return args
    if (command !== undefined) return andThen(command.run(dialogue, tag, args), conclude)
    if (tag.toUpperCase() === 'LOGIN' && nameEnd > nameStart) return hintAtTag(dialogue, tag)
    return dialogue.badCommand(tag)
  })
}

type ReadArguments = readonly Argument[] | LoginEnd | undefined

/** Reads a command's arguments and literals; replies itself when they are malformed. */
function readArguments(
  dialogue: LoginDialogue,
  tag: string,
  command: Extract<LoginCommand, { kind: 'parsed' }> | undefined,
  line: string,
  from: number,
): Soon<ReadArguments> {
  const limits = command?.limits ?? DEFAULT_LIMITS
  const reader = new ArgumentReader({
    ...limits,
    literals: LOGIN_LIMITS.literals,
    literalMinus: dialogue.io.settings.imap_literal_minus,
  })
  const step = reader.line(line, from)
  return step.kind === 'literal'
    ? readLiterals(dialogue, tag, reader, step)
    : argumentsAfter(dialogue, tag, reader, step)
}

async function readLiterals(
  dialogue: LoginDialogue,
  tag: string,
  reader: ArgumentReader,
  first: Extract<ReadStep, { kind: 'literal' }>,
): Promise<ReadArguments> {
  const { stream } = dialogue.io
  let step: ReadStep = first
  while (step.kind === 'literal') {
    if (step.synchronizing) stream.write('+ OK\r\n')
    const bytes = step.sizeBytes === 0 ? NO_BYTES : await stream.readBytes(step.sizeBytes)
    const next = bytes && (await stream.readLine(LOGIN_LIMITS.longCommandBytes))
    if (bytes === undefined || next === undefined) return { kind: 'closed', reason: 'Connection closed' }
    reader.literal(bytes.toString('latin1'))
    step = reader.line(next, 0)
  }
  return argumentsAfter(dialogue, tag, reader, step)
}

function argumentsAfter(
  dialogue: LoginDialogue,
  tag: string,
  reader: ArgumentReader,
  step: Exclude<ReadStep, { kind: 'literal' }>,
): ReadArguments {
  switch (step.kind) {
    case 'complete':
      return reader.args
    case 'bad':
      return dialogue.reply(tag, { untagged: [], status: `BAD ${step.text}` })
    case 'bye':
      return dialogue.bye(step.text, step.text.replace(', aborting', ''))
  }
}

/** Somebody typing by hand, or a client's author at the very beginning. */
function hintAtTag(dialogue: LoginDialogue, tag: string): undefined {
  return dialogue.reply(tag, {
    untagged: [],
    status:
      "BAD First parameter in line is IMAP's command tag, not the command name. Add that before the command, like: a login user pass",
  })
}

const NO_BYTES = Buffer.alloc(0)
const DEFAULT_LIMITS = { commandBytes: LOGIN_LIMITS.commandBytes, lists: 1 }

/** Where the word that starts here ends: at a blank, at a CR, or with the line. */
function wordEnd(line: string, start: number): number {
  for (let i = start; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if (code === 0x20 || code === 0x0d) return i
  }
  return Math.max(line.length, start)
}

function isArguments(value: readonly Argument[] | LoginEnd | undefined): value is readonly Argument[] {
  return Array.isArray(value)
}
