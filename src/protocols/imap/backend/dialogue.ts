import type { Soon } from '../../../util/soon.ts'
import { lineOrLater, shown } from '../../backend-line.ts'
import type { BackendIo } from '../../protocol.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import { capabilityCode } from '../wire/capability-code.ts'
import { capabilitySet } from './capability-set.ts'

/** How much a backend may say before the login is decided. */
export const BACKEND_LIMITS = {
  /** Untagged lines kept for the client, together. */
  untaggedBytes: 65_536,
  /** Lines that make no sense; each is logged. */
  unexpectedLines: 20,
} as const

/** Dovecot's names for what was sent and not answered yet, in the order they are listed. */
export type SentState = 'id' | 'starttls' | 'capability' | 'authenticate' | 'auth-continue' | 'login'

export interface SentCommand {
  readonly tag: 'I' | 'S' | 'C' | 'L'
  readonly state: SentState
  readonly text: string
}

/** Whoever answers `+` lines. Undefined: there is nothing to answer. */
export interface Responder {
  respond(line: string): string | undefined
}

/** A conversation with a backend: reads replies in whatever order they come, and keeps `io.step` true. */
export class BackendDialogue {
  readonly io: BackendIo
  /** What the backend last said it can do, in its own spelling. */
  capability: string | undefined
  /** Lines for the client, from before the login's reply. */
  untagged: string[] = []
  #untaggedBytes = 0
  #unexpectedLines = 0
  #waiting: readonly SentCommand[] = []
  /** Their states in words: `id+login`. */
  #sent = ''
  #answering = false
  #received: SentState | 'none' | 'banner' = 'none'

  constructor(io: BackendIo) {
    this.io = io
    this.#showStep()
  }

  /** The greeting; resolves with the capabilities it announces, undefined when it does not. */
  readBanner(): Soon<ReadonlySet<string> | undefined> {
    const line = lineOrLater(this.io.stream, (later) => this.#banner(later))
    return typeof line === 'string' ? this.#banner(line) : line
  }

  #banner(line: string): ReadonlySet<string> | undefined {
    if (!line.startsWith('* OK ')) throw new ProxyFailure('protocol', `Invalid banner: ${shown(line)}`)
    this.#received = 'banner'
    this.#showStep()
    this.capability = capabilityCode(line.slice('* OK '.length))
    return this.capability === undefined ? undefined : capabilitySet(this.capability)
  }

  /** Sends commands in one write. */
  send(commands: readonly SentCommand[]): void {
    let text = ''
    for (const { state, text: command } of commands) {
      this.#sent = this.#sent === '' ? state : `${this.#sent}+${state}`
      text += command
    }
    this.#waiting = this.#waiting.length === 0 ? commands : [...this.#waiting, ...commands]
    this.#showStep()
    this.io.stream.write(text)
  }

  /** The text behind the tag of the reply to a command that was sent; everything that comes before it is dealt with. */
  replyTo(tag: SentCommand['tag'], responder?: Responder): Soon<string> {
    const goOn = (later: string): Soon<string> =>
      this.#take(later, responder) === tag ? later.slice(2) : this.replyTo(tag, responder)
    for (;;) {
      const line = lineOrLater(this.io.stream, goOn)
      if (typeof line !== 'string') return line
      if (this.#take(line, responder) === tag) return line.slice(2)
    }
  }

  /** Deals with a line; returns the tag of the command that it answers, if it does. */
  #take(line: string, responder: Responder | undefined): SentCommand['tag'] | undefined {
    const answered = this.#answered(line)
    if (answered !== undefined) return answered
    if (line.startsWith('* ')) this.#untaggedLine(line)
    else if (responder === undefined || !this.#continue(line, responder)) this.#unexpected(line)
    return undefined
  }

  /** Names what waits for the end of a TLS handshake as sent, as Dovecot does. */
  expect(commands: readonly SentCommand[]): void {
    this.io.step = `${commands.map((command) => command.state).join('+')}/${this.#received}`
  }

  /** Forgets what was said in clear text before TLS: somebody else may have said it. */
  forgetCleartext(): void {
    this.io.stream.takeBuffered()
    this.untagged = []
    this.#untaggedBytes = 0
  }

  #answered(line: string): SentCommand['tag'] | undefined {
    if (line.charCodeAt(1) !== 0x20) return undefined
    const letter = line.charCodeAt(0)
    const command = this.#waiting.find(({ tag }) => tag.charCodeAt(0) === letter)
    if (command === undefined) return undefined
    this.#waiting = this.#waiting.filter((waiting) => waiting !== command)
    this.#sent = ''
    for (const { state } of this.#waiting) this.#sent = this.#sent === '' ? state : `${this.#sent}+${state}`
    this.#received = command.tag === 'L' ? 'login' : command.state
    this.#showStep()
    return command.tag
  }

  #continue(line: string, responder: Responder): boolean {
    if (line !== '+' && !line.startsWith('+ ')) return false
    const answer = responder.respond(line.slice(2))
    if (answer === undefined) return false
    this.#received = 'auth-continue'
    this.#answering = true
    this.#showStep()
    this.io.stream.write(`${answer}\r\n`)
    return true
  }

  #untaggedLine(line: string): void {
    const word = line.slice(2, 13).toUpperCase()
    if (word === 'CAPABILITY ') {
      this.capability = line.slice('* CAPABILITY '.length)
    } else if (!word.startsWith('ID ') && !word.startsWith('BYE ') && word !== 'BYE') {
      this.#untaggedBytes += line.length
      if (this.#untaggedBytes > BACKEND_LIMITS.untaggedBytes)
        throw new ProxyFailure('protocol', 'Too many untagged replies')
      this.untagged.push(line)
    }
  }

  #unexpected(line: string): void {
    if (++this.#unexpectedLines > BACKEND_LIMITS.unexpectedLines) {
      throw new ProxyFailure('protocol', 'Too many unexpected lines')
    }
    this.io.warn(`Unexpected input, ignoring: ${shown(line)}`)
  }

  #showStep(): void {
    const sent = this.#answering ? this.#sent.replace('authenticate', 'auth-continue') : this.#sent
    this.io.step = `${sent}/${this.#received}`
  }
}
