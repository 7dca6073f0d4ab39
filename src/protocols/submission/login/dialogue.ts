import type { LoginEnd, LoginIo } from '../../protocol.ts'
import { encodeLine } from '../../wire-text.ts'
import type { Reply } from '../status.ts'

/** How much a stranger may send and do. */
export const LOGIN_LIMITS = {
  /** RFC 4954 §4.5: an AUTH line may have 12,288 bytes; XCLIENT of a trusted proxy stays below. */
  lineBytes: 12_288,
  /** Dovecot: the eleventh ends the connection. */
  badCommands: 10,
} as const

/** A pre-login conversation: what its commands share. */
export class LoginDialogue {
  readonly io: LoginIo
  badCommands = 0

  constructor(io: LoginIo) {
    this.io = io
  }

  greet(): void {
    this.say(`220 ${encodeLine(this.io.hostname)} ${encodeLine(this.io.greeting)}`)
  }

  reply({ lines, remark }: Reply): undefined {
    if (remark !== undefined) this.io.remark(remark)
    this.io.stream.write(`${lines.join('\r\n')}\r\n`)
  }

  say(line: string): undefined {
    this.io.stream.write(`${line}\r\n`)
  }

  badCommand(): LoginEnd | undefined {
    if (++this.badCommands <= LOGIN_LIMITS.badCommands) return this.say('500 5.5.1 Unknown command')
    this.io.remark('too many invalid commands')
    this.say(`421 4.7.0 ${encodeLine(this.io.hostname)} Too many invalid commands.`)
    return { kind: 'closed', reason: 'Too many invalid commands' }
  }
}
