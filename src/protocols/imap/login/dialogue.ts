import type { LoginEnd, LoginIo } from '../../protocol.ts'
import type { CapabilitySettings } from '../capability.ts'
import { preLoginCapability } from '../capability.ts'
import type { Reply } from '../status.ts'

/** How much a stranger may send and do. */
export const LOGIN_LIMITS = {
  /** A command with its literals, as in Dovecot. */
  commandBytes: 8192,
  /** ID carries what a trusted proxy forwards, AUTHENTICATE a token: twice as much. */
  longCommandBytes: 16_384,
  literals: 64,
  /** Dovecot's CLIENT_MAX_BAD_COMMANDS: the third one ends the connection; good commands in between do not help. */
  badCommands: 3,
} as const

/** A pre-login conversation: what its commands share. */
export class LoginDialogue {
  readonly io: LoginIo
  /** A STARTTLS of the client's went well. */
  startedTls = false
  /** An ID command was seen: only the first one's trust keys count, and only the first one is logged. */
  sawId = false
  badCommands = 0

  constructor(io: LoginIo) {
    this.io = io
  }

  /** What is announced right now. */
  capability(): string {
    const { io } = this
    const settings: CapabilitySettings = io.settings
    return preLoginCapability(settings, {
      starttls: io.tlsAvailable && !io.tlsActive,
      mechanisms: io.offeredMechanisms(),
    })
  }

  /** Writes a tagged reply with the untagged lines that go before it, in one write. */
  reply(tag: string, { untagged, status, remark }: Reply): undefined {
    if (remark !== undefined) this.io.remark(remark)
    const before = untagged.length === 0 ? '' : `${untagged.join('\r\n')}\r\n`
    this.io.stream.write(`${before}${tag} ${status}\r\n`)
  }

  /** Says a last line and ends the conversation. */
  bye(text: string, reason: string): LoginEnd {
    this.io.stream.write(`* BYE ${text}\r\n`)
    return { kind: 'closed', reason }
  }

  /** Answers a command that makes no sense; the third one is the last. */
  badCommand(tag: string): LoginEnd | undefined {
    if (++this.badCommands >= LOGIN_LIMITS.badCommands) {
      this.io.remark('too many invalid commands')
      return this.bye('Too many invalid IMAP commands.', 'Too many invalid commands')
    }
    this.io.stream.write(`${tag} BAD Error in IMAP command received by server.\r\n`)
    return undefined
  }
}
