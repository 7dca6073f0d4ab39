import type { LoginEnd, LoginIo } from '../../protocol.ts'
import type { Reply } from '../status.ts'

/** How much a stranger may send and do. */
export const LOGIN_LIMITS = {
  /** XCLIENT of a trusted proxy and AUTH with a token are the longest; Dovecot reads 1 KB, which is too short for both. */
  lineBytes: 16_384,
  /** Dovecot's CLIENT_MAX_BAD_COMMANDS; a good one in between sets the count back. */
  badCommands: 3,
} as const

/** A pre-login conversation: what its commands share. */
export class LoginDialogue {
  readonly io: LoginIo
  /** The greeting's timestamp, when APOP is enabled. */
  readonly apopTimestamp: string | undefined
  /** USER's name, waiting for PASS. */
  user: string | undefined
  badCommands = 0

  constructor(io: LoginIo, apopTimestamp: string | undefined) {
    this.io = io
    this.apopTimestamp = apopTimestamp
  }

  reply({ line, remark }: Reply): undefined {
    if (remark !== undefined) this.io.remark(remark)
    this.io.stream.write(`${line}\r\n`)
  }

  say(line: string): undefined {
    this.io.stream.write(`${line}\r\n`)
  }

  bye(text: string, reason: string): LoginEnd {
    this.io.stream.write(`-ERR ${text}\r\n`)
    return { kind: 'closed', reason }
  }

  badCommand(): LoginEnd | undefined {
    this.say('-ERR Unknown command.')
    if (++this.badCommands < LOGIN_LIMITS.badCommands) return undefined
    this.io.remark('too many invalid commands')
    return this.bye('Too many invalid bad commands.', 'Too many bad commands')
  }
}
