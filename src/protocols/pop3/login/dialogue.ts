import type { LoginEnd, LoginIo } from '../../protocol.ts'
import { encodeLine } from '../../wire-text.ts'
import type { Reply } from '../status.ts'

/** How much a stranger may send and do. */
export const LOGIN_LIMITS = {
  /** XCLIENT of a trusted proxy and AUTH with a token are the longest; Dovecot reads 1 KB, which is too short for both. */
  lineBytes: 16_384,
  /** Dovecot: after three in a row whatever comes next is one too many. */
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

  greet(): void {
    const stamp = this.apopTimestamp === undefined ? '' : ` ${this.apopTimestamp}`
    // A proxy in front sees from the word that it may say who its client is.
    this.say(`+OK ${this.io.trusted ? '[XCLIENT] ' : ''}${encodeLine(this.io.greeting)}${stamp}`)
  }

  reply({ line, remark }: Reply): undefined {
    if (remark !== undefined) this.io.remark(remark)
    this.say(line)
  }

  say(line: string): undefined {
    this.io.stream.write(`${line}\r\n`)
  }

  bye(text: string, reason: string): LoginEnd {
    this.say(`-ERR ${text}`)
    return { kind: 'closed', reason }
  }
}
