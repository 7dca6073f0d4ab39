import type { LoginEnd } from '../../protocol.ts'
import { parseXclient } from '../../xclient.ts'
import { apop, auth } from './auth.ts'
import type { LoginDialogue } from './dialogue.ts'
import { pass, user } from './user-pass.ts'
import { stls } from './stls.ts'

/** Runs one command; `undefined`: go on with the next. */
export type Command = (dialogue: LoginDialogue, args: string) => LoginEnd | undefined | Promise<LoginEnd | undefined>

/** The commands of the authorization state. RFC 1939 §4, RFC 2449, RFC 2595, RFC 5034. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
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
  return { kind: 'closed', reason: 'Aborted login' }
}

function xclient(dialogue: LoginDialogue, args: string): undefined {
  const update = parseXclient(args)
  if (!dialogue.io.trusted) return dialogue.say(NOT_TRUSTED)
  if (update === undefined) return dialogue.say('-ERR Invalid parameters')
  dialogue.io.forwarded(update)
  return dialogue.say('+OK Updated')
}

/** The old form of `XCLIENT ADDR=`. */
function xoip(dialogue: LoginDialogue, args: string): undefined {
  return xclient(dialogue, `ADDR=${args}`)
}

const NOT_TRUSTED = '+OK You are not from trusted IP - ignoring'
