import { acceptTls, splitCommand } from '../../converse.ts'
import type { LoginEnd } from '../../protocol.ts'
import { parseXclientWords } from '../../smtp/wire/xclient.ts'
import { readSmtpIdentity } from '../../smtp-identity.ts'
import { decodeText, encodeLine } from '../../wire-text.ts'
import { auth } from './auth.ts'
import type { LoginDialogue } from './dialogue.ts'

/** Runs one command; `undefined`: go on with the next. */
export type Command = (dialogue: LoginDialogue, args: string) => LoginEnd | undefined | Promise<LoginEnd | undefined>

/** Runs the command in this line. */
export async function runCommand(dialogue: LoginDialogue, line: string): Promise<LoginEnd | undefined> {
  const { name, args } = splitCommand(line)
  const command = commands.get(name)
  return command === undefined ? dialogue.badCommand() : await command(dialogue, args)
}

/** The commands that strangers may send. RFC 5321 §4.1, RFC 3207, RFC 4954. */
const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['AUTH', (dialogue, args) => (tlsMissing(dialogue) ? dialogue.say(TLS_REQUIRED) : auth(dialogue, args))],
  ['BDAT', needsLogin],
  ['DATA', needsLogin],
  ['EHLO', ehlo],
  ['HELO', helo],
  ['MAIL', needsLogin],
  ['NOOP', (dialogue) => dialogue.say('250 2.0.0 OK')],
  ['QUIT', quit],
  ['RCPT', needsLogin],
  ['RSET', (dialogue) => dialogue.say('250 2.0.0 OK')],
  ['STARTTLS', starttls],
  ['VRFY', needsLogin],
  ['XCLIENT', xclient],
])

const TLS_REQUIRED = '530 5.7.0 TLS required.'

/** What XCLIENT of a trusted proxy may carry. */
const XCLIENT_ATTRIBUTES = 'XCLIENT ADDR PORT PROTO HELO LOGIN SESSION TTL TIMEOUT FORWARD'

function ehlo(dialogue: LoginDialogue, args: string): undefined {
  const { io } = dialogue
  if (args.trim() === '') return dialogue.say('501 Missing hostname')
  io.note({ helo: decodeText(args.trim()), proto: 'ESMTP' })
  const mechanisms = io.offeredMechanisms()
  const lines = [encodeLine(io.hostname), '8BITMIME']
  if (mechanisms.length > 0) lines.push(['AUTH', ...mechanisms].join(' '))
  lines.push('BURL imap', 'CHUNKING', 'ENHANCEDSTATUSCODES')
  lines.push(io.settings.submission_max_mail_size > 0 ? `SIZE ${io.settings.submission_max_mail_size}` : 'SIZE')
  if (io.tlsAvailable && !io.tlsActive) lines.push('STARTTLS')
  lines.push('PIPELINING')
  if (io.trusted) lines.push(XCLIENT_ATTRIBUTES)
  return dialogue.say(lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n'))
}

function helo(dialogue: LoginDialogue, args: string): undefined {
  if (args.trim() === '') return dialogue.say('501 Missing hostname')
  dialogue.io.note({ helo: decodeText(args.trim()), proto: 'SMTP' })
  return dialogue.say(`250 ${encodeLine(dialogue.io.hostname)}`)
}

function needsLogin(dialogue: LoginDialogue): undefined {
  return dialogue.say(tlsMissing(dialogue) ? TLS_REQUIRED : '530 5.7.0 Authentication required.')
}

function tlsMissing({ io }: LoginDialogue): boolean {
  return io.settings.ssl === 'required' && !io.secured
}

function quit(dialogue: LoginDialogue): LoginEnd {
  dialogue.say('221 2.0.0 Bye')
  return { kind: 'closed', reason: 'Aborted login' }
}

/** RFC 3207: what was said before TLS is forgotten. */
async function starttls(dialogue: LoginDialogue, args: string): Promise<undefined> {
  const { io } = dialogue
  if (args.trim() !== '') return dialogue.say('501 5.5.4 Invalid parameters')
  if (io.tlsActive) return dialogue.say('503 5.5.1 TLS is already active')
  if (!io.tlsAvailable) return dialogue.say('502 5.5.1 TLS support is not enabled')
  await acceptTls(io, '220 2.0.0 Begin TLS negotiation now.')
  return undefined
}

/** The session begins anew with what the trusted peer said. */
function xclient(dialogue: LoginDialogue, args: string): undefined {
  if (!dialogue.io.trusted) return dialogue.say('550 5.7.14 You are not from trusted IP')
  const words = parseXclientWords(args)
  const update = words instanceof Map ? readSmtpIdentity(words) : words
  if ('problem' in update) return dialogue.say(`501 5.5.4 ${update.problem}`)
  dialogue.io.forwarded(update)
  const { helo: name, proto } = update
  if (name !== undefined || proto !== undefined) {
    dialogue.io.note({ ...(name === undefined ? {} : { helo: name }), ...(proto === undefined ? {} : { proto }) })
  }
  dialogue.greet()
  return undefined
}
