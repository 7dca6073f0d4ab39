import type { LoginEnd, LoginIo } from '../../protocol.ts'
import { encodeLine, encodeText } from '../../wire-text.ts'
import type { Reply } from '../status.ts'
import { quoted } from '../wire/strings.ts'

/** How much a stranger may send and do. */
export const LOGIN_LIMITS = {
  lineBytes: 16_384,
  literalBytes: 16_384,
  literals: 8,
  /** Dovecot: the third bad command ends the connection; good ones in between do not help. */
  badCommands: 3,
} as const

/** A pre-login conversation: what its commands share. */
export class LoginDialogue {
  readonly io: LoginIo
  badCommands = 0

  constructor(io: LoginIo) {
    this.io = io
  }

  /** The capability lines and an OK with `text`. RFC 5804 §1.7. */
  capability(text: string): undefined {
    const { io } = this
    const { settings } = io
    const lines = [
      `"IMPLEMENTATION" ${quoted(encodeText(settings.managesieve_implementation_string))}`,
      `"SIEVE" ${quoted(encodeText(settings.managesieve_sieve_capability))}`,
      `"NOTIFY" ${quoted(encodeText(settings.managesieve_notify_capability))}`,
      `"SASL" ${quoted(io.offeredMechanisms().join(' '))}`,
    ]
    if (io.tlsAvailable && !io.tlsActive) lines.push('"STARTTLS"')
    lines.push('"VERSION" "1.0"')
    if (io.trusted) lines.push('"XCLIENT"')
    lines.push(`OK ${quoted(text)}`)
    return this.say(lines.join('\r\n'))
  }

  reply({ line, remark }: Reply): undefined {
    if (remark !== undefined) this.io.remark(remark)
    return this.say(line)
  }

  say(line: string): undefined {
    this.io.stream.write(`${line}\r\n`)
  }

  bye(text: string, reason: string): LoginEnd {
    this.say(`BYE ${quoted(encodeLine(text))}`)
    return { kind: 'closed', reason }
  }

  badCommand(): LoginEnd | undefined {
    if (++this.badCommands < LOGIN_LIMITS.badCommands)
      return this.say('NO "Error in MANAGESIEVE command received by server."')
    this.io.remark('too many invalid commands')
    return this.bye('Too many invalid MANAGESIEVE commands.', 'Too many invalid commands.')
  }
}
