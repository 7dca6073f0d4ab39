// Logs in to an IMAP server (RFC 3501) to see whether a password is right, and leaves at once.
import { connect } from 'node:net'
import { SocketStream } from '../../net/socket-stream.ts'
import { startTlsClient } from '../../net/tls.ts'
import type { ClientTlsContext } from '../../net/tls-context.ts'
import { plain } from '../../sasl/plain.ts'
import type { Secret } from '../../util/secret.ts'

export const IMAP_LIMITS = {
  /** From the first packet to the server's verdict. */
  totalMs: 15_000,
  lineBytes: 8192,
  /** Lines that are no answer to the command. */
  untaggedLines: 100,
} as const

export interface ImapTarget {
  readonly host: string
  readonly port: number
  readonly security: 'imaps' | 'starttls' | 'none'
  readonly verifiesCertificate: boolean
  tlsContext(): ClientTlsContext
}

export type ImapVerdict = 'ok' | 'password-mismatch' | 'password-expired'

/** The server did not say whether the password is right; `message` is for the log. */
export class ImapFault extends Error {
  override readonly name = 'ImapFault'
}

/** Rejects with ImapFault, or with an error of the connection. */
export async function logInToImap(
  target: ImapTarget,
  user: string,
  password: Secret,
  signal: AbortSignal,
): Promise<ImapVerdict> {
  return await converse(target, signal, async (dialogue) => await dialogue.logIn(user, password))
}

async function converse<T>(
  target: ImapTarget,
  signal: AbortSignal,
  run: (dialogue: Dialogue) => Promise<T>,
): Promise<T> {
  const stream = new SocketStream(connect({ host: target.host, port: target.port }))
  stream.onEnd(() => undefined)
  const leave = (): void => stream.destroy()
  signal.addEventListener('abort', leave)
  stream.setDeadline(IMAP_LIMITS.totalMs)
  try {
    return await run(new Dialogue(stream, target))
  } finally {
    signal.removeEventListener('abort', leave)
    stream.destroy()
  }
}

/** Connects and says hello, as far as a login goes without a user. Rejects like `logInToImap`. */
export async function greetImap(target: ImapTarget, signal: AbortSignal): Promise<void> {
  await converse(target, signal, async (dialogue) => await dialogue.begin())
}

interface Reply {
  readonly status: string
  /** `AUTHENTICATIONFAILED`, without its arguments. */
  readonly code: string
  readonly text: string
}

class Dialogue {
  readonly #stream: SocketStream
  readonly #target: ImapTarget
  #tag = 0

  constructor(stream: SocketStream, target: ImapTarget) {
    this.#stream = stream
    this.#target = target
  }

  async logIn(user: string, password: Secret): Promise<ImapVerdict> {
    return this.#verdict(await this.#authenticate(await this.begin(), user, password))
  }

  /** Up to what the server can do, behind TLS where that is wanted. */
  async begin(): Promise<ReadonlySet<string>> {
    if (this.#target.security === 'imaps') await this.#startTls()
    const greeting = await this.#line()
    if (!/^\* OK\b/i.test(greeting)) throw new ImapFault(`Unexpected greeting: ${shown(greeting)}`)
    if (this.#target.security === 'starttls') {
      const reply = await this.#command('STARTTLS')
      if (reply.status !== 'OK') throw new ImapFault(`STARTTLS failed: ${shown(reply.text)}`)
      await this.#startTls()
    }
    return await this.#capabilities()
  }

  #startTls(): Promise<void> {
    const { host, verifiesCertificate: verify } = this.#target
    return startTlsClient(this.#stream, { context: this.#target.tlsContext(), host, verify })
  }

  async #capabilities(): Promise<ReadonlySet<string>> {
    const words = new Set<string>()
    const reply = await this.#command('CAPABILITY', (line) => {
      const [, list] = /^\* CAPABILITY (.*)$/i.exec(line) ?? []
      for (const word of list?.toUpperCase().split(' ') ?? []) words.add(word)
    })
    if (reply.status !== 'OK') throw new ImapFault(`CAPABILITY failed: ${shown(reply.text)}`)
    return words
  }

  async #authenticate(capabilities: ReadonlySet<string>, user: string, password: Secret): Promise<Reply> {
    if (!capabilities.has('AUTH=PLAIN')) {
      if (capabilities.has('LOGINDISABLED')) throw new ImapFault('the server has no login that we know')
      return await this.#loginCommand(user, password)
    }
    const half = plain.client?.({ authcid: user, authzid: '', secret: password, randomBytes: () => Buffer.alloc(0) })
    const message = half?.initial()?.toString('base64') ?? ''
    if (capabilities.has('SASL-IR')) return await this.#command(`AUTHENTICATE PLAIN ${message}`)
    return await this.#command('AUTHENTICATE PLAIN', undefined, [Buffer.from(message)])
  }

  /** Both arguments as literals: they may hold anything. RFC 3501 §6.2.3. */
  #loginCommand(user: string, password: Secret): Promise<Reply> {
    const name = Buffer.from(user, 'utf8')
    const secret = password.reveal()
    const answers = [Buffer.concat([name, Buffer.from(` {${secret.length}}`)]), secret]
    return this.#command(`LOGIN {${name.length}}`, undefined, answers)
  }

  /** Sends a command, answers each `+` with the next of `answers`, resolves with the tagged reply. */
  async #command(
    text: string,
    untagged: (line: string) => void = () => undefined,
    answers: Buffer[] = [],
  ): Promise<Reply> {
    this.#tag += 1
    const tag = `p${this.#tag}`
    this.#stream.write(`${tag} ${text}\r\n`)
    for (let lines = 0; lines < IMAP_LIMITS.untaggedLines; lines++) {
      const line = await this.#line()
      if (line.startsWith('+')) this.#answer(answers.shift())
      else if (/^\* BYE\b/i.test(line)) throw new ImapFault(`the server said: ${shown(line)}`)
      else if (line.startsWith('* ')) untagged(line)
      else if (line.startsWith(`${tag} `)) return parseReply(line.slice(tag.length + 1))
      else throw new ImapFault(`Unexpected line: ${shown(line)}`)
    }
    throw new ImapFault('Too many lines before the answer')
  }

  #answer(data: Buffer | undefined): void {
    if (data === undefined) throw new ImapFault('Unexpected continuation request')
    this.#stream.write(Buffer.concat([data, Buffer.from('\r\n')]))
  }

  #verdict({ status, code, text }: Reply): ImapVerdict {
    if (status === 'OK') return 'ok'
    if (status !== 'NO') throw new ImapFault(`Authentication failed: ${shown(text)}`)
    switch (code) {
      // RFC 5530 §3. Older servers give no code.
      case '':
      case 'AUTHENTICATIONFAILED':
      case 'AUTHORIZATIONFAILED':
      case 'ALERT':
        return 'password-mismatch'
      case 'EXPIRED':
        return 'password-expired'
      default:
        throw new ImapFault(`Authentication failed: ${shown(text)}`)
    }
  }

  async #line(): Promise<string> {
    const line = await this.#stream.readLine(IMAP_LIMITS.lineBytes)
    if (line === undefined) throw new ImapFault('the server closed the connection')
    return line
  }
}

function parseReply(text: string): Reply {
  const [, status = '', code = ''] = /^([A-Za-z]+)(?: \[([^\] ]+)[^\]]*\])?/.exec(text) ?? []
  return { status: status.toUpperCase(), code: code.toUpperCase(), text }
}

/** What a server says, for a log line. */
function shown(line: string): string {
  return line.slice(0, 200).replace(/[^\x20-\x7e]/g, '?')
}
