import { acceptTls, splitCommand } from '../../converse.ts'
import type { LoginEnd } from '../../protocol.ts'
import { parseXclient } from '../../xclient.ts'
import { writeString, type Word } from '../wire/strings.ts'
import { authenticate } from './authenticate.ts'
import { LOGIN_LIMITS, type LoginDialogue } from './dialogue.ts'
import { readWords } from './read-words.ts'

type Outcome = LoginEnd | undefined | Promise<LoginEnd | undefined>

/** A command gets its words, or, for XCLIENT, its arguments as they came. */
export type Command =
  | { readonly kind: 'words'; run(dialogue: LoginDialogue, words: readonly Word[]): Outcome }
  | { readonly kind: 'raw'; run(dialogue: LoginDialogue, args: string): Outcome }

/** Runs the command that begins with this line. */
export async function runCommand(dialogue: LoginDialogue, line: string): Promise<LoginEnd | undefined> {
  const { name, args } = splitCommand(line)
  const command = commands.get(name)
  // XCLIENT's arguments are SMTP's, not ManageSieve's.
  if (command?.kind === 'raw') return await command.run(dialogue, args)
  const words = await readWords(dialogue.io.stream, args, LOGIN_LIMITS)
  if (words === 'closed') return { kind: 'closed', reason: 'Connection closed' }
  if (words === 'too-large') return name === 'AUTHENTICATE' ? TOO_LARGE : dialogue.bye(LARGE_LITERAL, LARGE_LITERAL)
  if (words === 'bad' || command === undefined) return dialogue.badCommand()
  return await command.run(dialogue, words)
}

const LARGE_LITERAL = 'Literal size too large'
const TOO_LARGE = { kind: 'closed', reason: 'Authentication response too large' } as const

/** The commands that strangers may send. RFC 5804 §2. */
const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['AUTHENTICATE', { kind: 'words', run: authenticate }],
  ['CAPABILITY', { kind: 'words', run: capability }],
  ['LOGOUT', { kind: 'words', run: logout }],
  ['NOOP', { kind: 'words', run: noop }],
  ['STARTTLS', { kind: 'words', run: starttls }],
  ['XCLIENT', { kind: 'raw', run: xclient }],
])

function capability(dialogue: LoginDialogue, words: readonly Word[]): LoginEnd | undefined {
  return words.length > 0 ? dialogue.badCommand() : dialogue.capability('Capability completed.')
}

function logout(dialogue: LoginDialogue, words: readonly Word[]): LoginEnd | undefined {
  if (words.length > 0) return dialogue.badCommand()
  dialogue.say('OK "Logout completed."')
  return { kind: 'closed', reason: 'Aborted login by logging out' }
}

function noop(dialogue: LoginDialogue, words: readonly Word[]): LoginEnd | undefined {
  const [tag, extra] = words
  if (tag === undefined) return dialogue.say('OK "NOOP Completed"')
  if (extra !== undefined) return dialogue.badCommand()
  if (tag.kind !== 'string') return dialogue.say('NO "Invalid echo tag."')
  return dialogue.say(`OK (TAG ${writeString(tag.text)}) "Done"`)
}

/** RFC 5804 §2.2: the capabilities are told again inside TLS. */
async function starttls(dialogue: LoginDialogue, words: readonly Word[]): Promise<LoginEnd | undefined> {
  const { io } = dialogue
  if (words.length > 0) return dialogue.badCommand()
  if (io.tlsActive) return dialogue.say('NO "TLS is already active."')
  if (!io.tlsAvailable) return dialogue.say('NO "TLS support isn\'t enabled."')
  await acceptTls(io, 'OK "Begin TLS negotiation now."')
  return dialogue.capability('TLS negotiation successful.')
}

function xclient(dialogue: LoginDialogue, args: string): LoginEnd | undefined {
  if (!dialogue.io.trusted) return dialogue.say('NO "You are not from trusted IP"')
  // Atoms only.
  const update = /["{]/.test(args) ? undefined : parseXclient(args)
  if (update === undefined) return dialogue.badCommand()
  dialogue.io.forwarded(update)
  return dialogue.say('OK "Updated"')
}
