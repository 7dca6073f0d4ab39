import { readBackendLine, shown } from '../../backend-line.ts'
import type { BackendIo } from '../../protocol.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import { capabilityCode } from '../wire/capability-code.ts'

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
  #waiting: SentCommand[] = []
  #answering = false
  #received: SentState | 'none' | 'banner' = 'none'

  constructor(io: BackendIo) {
    this.io = io
    this.#showStep()
  }

  /** The greeting; resolves with the capabilities it announces, undefined when it does not. */
  async readBanner(): Promise<ReadonlySet<string> | undefined> {
    const line = await readBackendLine(this.io.stream)
    if (!line.startsWith('* OK ')) throw new ProxyFailure('protocol', `Invalid banner: ${shown(line)}`)
    this.#received = 'banner'
    this.#showStep()
    this.capability = capabilityCode(line.slice('* OK '.length))
    return this.capability === undefined ? undefined : new Set(this.capability.toUpperCase().split(' '))
  }

  /** Sends commands in one write. */
  send(commands: readonly SentCommand[]): void {
    this.#waiting.push(...commands)
    this.#showStep()
    const [first] = commands
    this.io.stream.write(
      commands.length === 1 && first !== undefined ? first.text : commands.map((c) => c.text).join(''),
    )
  }

  /** The text behind the tag of the reply to a command that was sent; everything that comes before it is dealt with. */
  async replyTo(tag: SentCommand['tag'], responder?: Responder): Promise<string> {
    for (;;) {
      const line = await readBackendLine(this.io.stream)
      const answered = this.#answered(line)
      if (answered === tag) return line.slice(2)
      if (answered !== undefined) continue
      if (line.startsWith('* ')) this.#untaggedLine(line)
      else if (responder === undefined || !this.#continue(line, responder)) this.#unexpected(line)
    }
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
    const index = this.#waiting.findIndex((command) => command.tag === line[0])
    const [command] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (command === undefined) return undefined
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
    const sent = this.#waiting.map((command) => command.state)
    if (this.#answering && sent.includes('authenticate')) sent.push('auth-continue')
    this.io.step = `${sent.join('+')}/${this.#received}`
  }
}
