import type { LogLevel, Observer, SessionFields } from '../../observe/events.ts'
import { decodeText } from '../wire-text.ts'
import type { Recipient } from './recipient.ts'
import type { LmtpClient } from './services.ts'

/** What every log line and event of a client's connection needs. */
export interface SessionLogStart {
  readonly observer: Observer
  /** Counts the connections of this process. */
  readonly number: number
  readonly session: () => string
  readonly client: () => LmtpClient
}

/** The log lines of a client's connection, in Dovecot's words. */
export class SessionLog {
  /** As Dovecot prefixes the lines of its LMTP processes. */
  readonly service = `lmtp(${process.pid})`
  readonly #start: SessionLogStart

  constructor(start: SessionLogStart) {
    this.#start = start
  }

  get observer(): Observer {
    return this.#start.observer
  }

  connected(): void {
    this.#start.observer.emit('connection_opened', this.fields())
    this.write('info', `Connect from ${this.#ip}`)
  }

  disconnected(reason: string, state: string): void {
    this.write('info', `Disconnect from ${this.#ip}: ${reason} (state=${state})`)
  }

  /** About a recipient. */
  recipient(level: LogLevel, recipient: Recipient, text: string): void {
    this.write(level, this.recipientLine(recipient, text))
  }

  recipientLine(recipient: Recipient, text: string): string {
    return this.#connectionLine(`rcpt ${decodeText(recipient.name)}: ${text}`)
  }

  fault(error: unknown): void {
    this.write(
      'error',
      this.#connectionLine(`BUG: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    )
  }

  write(level: LogLevel, text: string): void {
    this.#start.observer.log(level, this.service, text)
  }

  /** What every event of the connection carries. */
  fields(): SessionFields {
    const { remote, local } = this.#start.client()
    return {
      protocol: 'lmtp',
      service: this.service,
      session: this.#start.session(),
      remote_ip: remote.ip,
      remote_port: remote.port,
      local_ip: local.ip,
      local_port: local.port,
      line: (message) => message,
    }
  }

  #connectionLine(text: string): string {
    const { ip, port } = this.#start.client().remote
    // Dovecot adds the other end's pid and uid, which Node cannot ask for.
    const peer = ip === '' ? 'unix' : endpointText(ip, port)
    return `lmtp-server: conn ${peer} [${this.#start.number}]: ${text}`
  }

  get #ip(): string {
    const { ip } = this.#start.client().remote
    return ip === '' ? 'local' : ip
  }
}

/** `192.0.2.1:24`, `[2001:db8::1]:24`. */
export function endpointText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
