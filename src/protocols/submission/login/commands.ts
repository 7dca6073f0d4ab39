import { acceptTls } from '../../converse.ts'
import type { LoginEnd } from '../../protocol.ts'
import { parseCommandLine } from '../../smtp/wire/command-line.ts'
import { smtpStringProblem } from '../../smtp/wire/smtp-string.ts'
import { parseXclientWords } from '../../smtp/wire/xclient.ts'
import { readSmtpIdentity } from '../../smtp-identity.ts'
import { auth } from './auth.ts'
import type { LoginDialogue } from './dialogue.ts'
import { ehlo, helo } from './hello.ts'

type Outcome = LoginEnd | undefined | Promise<LoginEnd | undefined>

/** `run` gets what follows the name and one blank, without blanks at the end; `undefined`: go on with the next. */
interface Command {
  /** Said before TLS where `ssl = required` demands it. */
  readonly beforeTls?: true
  run(dialogue: LoginDialogue, args: string): Outcome
}

/** Runs the command in this line. */
export async function runCommand(dialogue: LoginDialogue, line: string): Promise<LoginEnd | undefined> {
  const parsed = parseCommandLine(line.replace(/[ \t]+$/, ''))
  dialogue.command = undefined
  if (parsed === undefined) return dialogue.say('500 5.5.2 Invalid command syntax')
  const { name, args } = parsed
  const { io } = dialogue
  const command = commands.get(name)
  if (command === undefined) return dialogue.say('500 5.5.1 Unknown command')
  dialogue.command = name
  if (io.settings.ssl === 'required' && !io.secured && command.beforeTls === undefined) {
    return dialogue.say('530 5.7.0 TLS required.')
  }
  return await command.run(dialogue, args)
}

const needsLogin: Command = { run: (dialogue) => dialogue.say('530 5.7.0 Authentication required.') }

/** The commands that strangers may send. RFC 5321 §4.1, RFC 3207, RFC 4954. */
const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['AUTH', { run: auth }],
  ['BDAT', needsLogin],
  ['DATA', needsLogin],
  ['EHLO', { beforeTls: true, run: ehlo }],
  ['HELO', { run: helo }],
  ['MAIL', needsLogin],
  ['NOOP', { beforeTls: true, run: noop }],
  ['QUIT', { beforeTls: true, run: quit }],
  ['RCPT', needsLogin],
  ['RSET', { run: (dialogue, args) => dialogue.say(args === '' ? '250 2.0.0 OK' : NO_PARAMETERS) }],
  ['STARTTLS', { beforeTls: true, run: starttls }],
  ['VRFY', needsLogin],
  ['XCLIENT', { run: xclient }],
])

const NO_PARAMETERS = '501 5.5.4 Invalid parameters'

function noop(dialogue: LoginDialogue, args: string): Outcome {
  const problem = args === '' ? undefined : smtpStringProblem(args)
  return dialogue.say(problem === undefined ? '250 2.0.0 OK' : `501 5.5.4 ${problem}`)
}

function quit(dialogue: LoginDialogue, args: string): Outcome {
  if (args !== '') return dialogue.say(NO_PARAMETERS)
  dialogue.say('221 2.0.0 Bye')
  return { kind: 'closed', reason: 'Aborted login by logging out' }
}

/** RFC 3207 §4.2: what was said before TLS is forgotten. */
async function starttls(dialogue: LoginDialogue, args: string): Promise<LoginEnd | undefined> {
  const { io } = dialogue
  if (io.tlsActive) return dialogue.say('502 5.5.1 TLS is already active.')
  if (!io.tlsAvailable) return dialogue.say('502 5.5.1 TLS support is not enabled.')
  if (args !== '') return dialogue.say(NO_PARAMETERS)
  await acceptTls(io, '220 2.0.0 Begin TLS negotiation now.')
  io.note({ helo: '', proto: 'ESMTP', ...dialogue.forwarded })
  return undefined
}

/** The session begins anew with what the trusted peer said. */
function xclient(dialogue: LoginDialogue, args: string): Outcome {
  const { io } = dialogue
  if (!io.trusted) return dialogue.say('550 5.7.14 You are not from trusted IP')
  const words = parseXclientWords(args)
  const update = words instanceof Map ? readSmtpIdentity(words) : words
  if ('problem' in update) return dialogue.say(`501 5.5.4 ${update.problem}`)
  io.forwarded(update)
  if (update.helo !== undefined) dialogue.forwarded.helo = update.helo
  if (update.proto !== undefined) dialogue.forwarded.proto = update.proto
  io.note(dialogue.forwarded)
  return dialogue.greet()
}
