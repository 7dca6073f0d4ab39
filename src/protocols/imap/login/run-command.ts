import type { LoginEnd } from '../../protocol.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { ArgumentReader } from '../wire/argument-reader.ts'
import { isTag } from '../wire/grammar.ts'
import type { LoginCommand } from './command.ts'
import { loginCommands } from './commands.ts'
import type { LoginDialogue } from './dialogue.ts'
import { LOGIN_LIMITS } from './dialogue.ts'

/** Runs the command that begins with this line and reads the rest of it. Undefined: go on with the next. */
export async function runCommand(dialogue: LoginDialogue, line: string): Promise<LoginEnd | undefined> {
  const tagEnd = wordEnd(line, 0)
  const tag = line.slice(0, tagEnd)
  // What is no tag is not sent back: it may be a browser's, and mean something to it.
  if (!isTag(tag)) return dialogue.badCommand('*')
  const nameStart = tagEnd + 1
  const nameEnd = wordEnd(line, nameStart)
  const command = loginCommands.get(line.slice(nameStart, nameEnd).toUpperCase())
  if (command?.kind === 'raw') {
    return conclude(dialogue, tag, await command.run(dialogue, tag, line.slice(nameEnd + 1)))
  }
  const args = await readArguments(dialogue, tag, command, line, nameEnd)
  if (!isArguments(args)) return args
  if (command !== undefined) return conclude(dialogue, tag, await command.run(dialogue, tag, args))
  if (tag.toUpperCase() === 'LOGIN' && nameEnd > nameStart) return hintAtTag(dialogue, tag)
  return dialogue.badCommand(tag)
}

function conclude(dialogue: LoginDialogue, tag: string, outcome: undefined | 'bad' | LoginEnd): LoginEnd | undefined {
  return outcome === 'bad' ? dialogue.badCommand(tag) : outcome
}

/** Reads a command's arguments and literals; replies itself when they are malformed. */
async function readArguments(
  dialogue: LoginDialogue,
  tag: string,
  command: Extract<LoginCommand, { kind: 'parsed' }> | undefined,
  line: string,
  from: number,
): Promise<readonly Argument[] | LoginEnd | undefined> {
  const { io } = dialogue
  const limits = command?.limits ?? DEFAULT_LIMITS
  const reader = new ArgumentReader({
    ...limits,
    literals: LOGIN_LIMITS.literals,
    literalMinus: io.settings.imap_literal_minus,
  })
  let step = reader.line(line, from)
  while (step.kind === 'literal') {
    if (step.synchronizing) io.stream.write('+ OK\r\n')
    const bytes = step.sizeBytes === 0 ? NO_BYTES : await io.stream.readBytes(step.sizeBytes)
    const next = bytes && (await io.stream.readLine(LOGIN_LIMITS.longCommandBytes))
    if (bytes === undefined || next === undefined) return { kind: 'closed', reason: 'Connection closed' }
    reader.literal(bytes.toString('latin1'))
    step = reader.line(next, 0)
  }
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
