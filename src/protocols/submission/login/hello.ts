import { isIPv4, isIPv6 } from 'node:net'
import type { LoginEnd } from '../../protocol.ts'
import { decodeText, encodeLine } from '../../wire-text.ts'
import type { LoginDialogue } from './dialogue.ts'

/** EHLO. RFC 5321 §4.1.1.1. */
export function ehlo(dialogue: LoginDialogue, args: string): LoginEnd | undefined {
  if (args === '') return dialogue.say(MISSING)
  introduce(dialogue, args, 'ESMTP')
  const texts = [encodeLine(dialogue.io.hostname), ...extensions(dialogue)]
  return dialogue.reply({ lines: texts.map((text, index) => `250${index === texts.length - 1 ? ' ' : '-'}${text}`) })
}

/** HELO. RFC 5321 §4.1.1.1. */
export function helo(dialogue: LoginDialogue, args: string): LoginEnd | undefined {
  if (args === '') return dialogue.say(MISSING)
  introduce(dialogue, args, 'SMTP')
  return dialogue.say(`250 ${encodeLine(dialogue.io.hostname)}`)
}

const MISSING = '501 Missing hostname'

/** Only a name that is one is passed on to the backend; nobody is refused for another. */
function isName(name: string, proto: string): boolean {
  return DOMAIN.test(name) || (proto === 'ESMTP' && isAddressLiteral(name))
}

const DOMAIN = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/

/** `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[tag:anything]`: how most mail programs greet. RFC 5321 §4.1.3; not for HELO. */
function isAddressLiteral(name: string): boolean {
  const [, tag, text = ''] = LITERAL.exec(name) ?? []
  if (tag === undefined) return isIPv4(text)
  return tag.toLowerCase() === 'ipv6' ? isIPv6(text) && !text.includes('%') : true
}

const LITERAL = /^\[(?:([A-Za-z0-9-]*[A-Za-z0-9]):)?([\x21-\x5a\x5e-\x7e]+)\]$/

/** What XCLIENT said about the client is not changed by how the proxy in front greets. */
function introduce({ io, forwarded }: LoginDialogue, args: string, proto: string): void {
  const [name = ''] = args.split(' ')
  const known = { helo: isName(name, proto) ? decodeText(name) : '', proto }
  io.note({ ...known, ...forwarded })
}

/** What of the backends is announced depends on a setting, as nobody has asked one yet. */
function extensions({ io }: LoginDialogue): string[] {
  const { settings } = io
  const backend = new Set(settings.submission_backend_capabilities ?? ['8BITMIME'])
  const tlsMissing = settings.ssl === 'required' && !io.secured
  const lines: (string | false)[] = [
    backend.has('8BITMIME') && '8BITMIME',
    !tlsMissing && `AUTH ${io.offeredMechanisms().join(' ')}`,
    backend.has('BINARYMIME') && 'BINARYMIME',
    'BURL imap',
    'CHUNKING',
    backend.has('DSN') && 'DSN',
    'ENHANCEDSTATUSCODES',
    settings.submission_max_mail_size > 0 ? `SIZE ${settings.submission_max_mail_size}` : 'SIZE',
    io.tlsAvailable && !io.tlsActive && 'STARTTLS',
    'PIPELINING',
    backend.has('VRFY') && 'VRFY',
    io.trusted && 'XCLIENT ADDR PORT PROTO HELO LOGIN SESSION TTL TIMEOUT FORWARD',
  ]
  return lines.filter((line) => line !== false)
}
