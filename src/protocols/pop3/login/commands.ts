import { splitCommand } from '../../converse.ts'
import type { LoginEnd } from '../../protocol.ts'
import { parseXclient } from '../../xclient.ts'
import { apop } from './apop.ts'
import { auth } from './auth.ts'
import { LOGIN_LIMITS, type LoginDialogue } from './dialogue.ts'
import { stls } from './stls.ts'
import { pass, user } from './user-pass.ts'

/** Runs one command; `undefined`: go on with the next. */
export type Command = (dialogue: LoginDialogue, args: string) => LoginEnd | undefined | Promise<LoginEnd | undefined>

/** Runs the command in this line. */
export async function runCommand(dialogue: LoginDialogue, line: string): Promise<LoginEnd | undefined> {
  if (dialogue.badCommands >= LOGIN_LIMITS.badCommands) {
    dialogue.io.remark('too many invalid commands')
    return dialogue.bye('Too many invalid bad commands.', 'Disconnected: Too many bad commands')
  }
  const { name, args } = splitCommand(line)
  const command = commands.get(name)
  if (command === undefined) {
    dialogue.badCommands++
    return dialogue.say('-ERR Unknown command.')
  }
  dialogue.badCommands = 0
  return await command(dialogue, args)
}

/** The commands of the authorization state. RFC 1939 §4, RFC 2449, RFC 2595, RFC 5034. */
const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['APOP', apop],
  ['AUTH', auth],
  ['CAPA', capa],
  ['PASS', pass],
  ['QUIT', quit],
  ['STLS', stls],
  ['USER', user],
  ['XCLIENT', xclient],
  ['XOIP', xoip],
])

function capa(dialogue: LoginDialogue): undefined {
  const { io } = dialogue
  const lines = ['+OK', 'CAPA', 'TOP', 'UIDL', 'RESP-CODES', 'PIPELINING', 'AUTH-RESP-CODE']
  if (io.tlsAvailable && !io.tlsActive) lines.push('STLS')
  if (io.secured || !io.settings.disable_plaintext_auth) lines.push('USER')
  lines.push(['SASL', ...io.offeredMechanisms()].join(' '), '.')
  return dialogue.say(lines.join('\r\n'))
}

function quit(dialogue: LoginDialogue): LoginEnd {
  dialogue.say('+OK Logging out')
  return { kind: 'closed', reason: 'Aborted login by logging out' }
}

function xclient(dialogue: LoginDialogue, args: string): undefined {
  if (!dialogue.io.trusted) return dialogue.say('+OK You are not from trusted IP - ignoring')
  const update = parseXclient(args)
  if (update === undefined) return dialogue.say('-ERR Invalid parameters')
  dialogue.io.forwarded(update)
  return dialogue.say('+OK Updated')
}

/** The old form of `XCLIENT ADDR=`. */
function xoip(dialogue: LoginDialogue, args: string): undefined {
  return xclient(dialogue, `ADDR=${args}`)
}
