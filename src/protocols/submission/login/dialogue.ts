import type { LoginEnd, LoginIo } from '../../protocol.ts'
import { encodeLine } from '../../wire-text.ts'
import type { Reply } from '../status.ts'

/** How much a stranger may send and do. */
export const LOGIN_LIMITS = {
  /** RFC 4954 §4.5: an AUTH line may have 12,288 bytes; XCLIENT of a trusted proxy stays below. */
  lineBytes: 12_288,
  /** Dovecot: the eleventh bad command in a row ends the connection. */
  badCommands: 10,
} as const

/** Replies that say that a command was no good. */
const BAD = /^50[013]/

/** A pre-login conversation: what its commands share. */
export class LoginDialogue {
  readonly io: LoginIo
  /** How the client behind a trusted proxy introduced itself there. */
  readonly forwarded: { helo?: string; proto?: string } = {}
  /** The command that runs, when there is one of its name. */
  command: string | undefined
  #badCommands = 0

  constructor(io: LoginIo) {
    this.io = io
  }

  greet(): undefined {
    const { io } = this
    io.stream.write(`220 ${encodeLine(io.hostname)} ${encodeLine(io.greeting)}\r\n`)
  }

  /** Answers a command with one line. */
  say(line: string): LoginEnd | undefined {
    return this.reply({ lines: [line] })
  }

  /** Answers a command; a bad one may be one too many. */
  reply({ lines, remark }: Reply): LoginEnd | undefined {
    const { io } = this
    if (remark !== undefined) io.remark(remark)
    this.#badCommands = BAD.test(lines[0] ?? '') ? this.#badCommands + 1 : 0
    if (this.#badCommands <= LOGIN_LIMITS.badCommands) {
      io.stream.write(`${lines.join('\r\n')}\r\n`)
      return undefined
    }
    if (remark === undefined) io.remark('too many invalid commands')
    io.stream.write(`421 4.7.0 ${encodeLine(io.hostname)} Too many invalid commands.\r\n`)
    return this.closed('Too many invalid commands.')
  }

  /** The end, with the command that was going on. */
  closed(reason: string): LoginEnd {
    const unfinished = this.command === undefined ? '' : ` (unfinished ${this.command} command)`
    return { kind: 'closed', reason: reason + unfinished }
  }
}
