import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'
import { plain } from './dovecot-acl-server.ts'

/** What was said to one command. */
export interface Told {
  /** Untagged responses, literals included as they came. */
  readonly untagged: readonly string[]
  /** Without the tag, timing suffix and final full stop. */
  readonly tagged: string
}

/** An IMAP client that sends literals when it is asked for them, and reads those it gets. */
export class ImapTalk {
  readonly wire: Wire
  #count = 0

  constructor(wire: Wire) {
    this.wire = wire
  }

  static async login(port: number, user: string, password = 'pw'): Promise<ImapTalk> {
    const wire = await connectRaw({ port, name: user })
    await wire.expect(/^\* OK /)
    wire.send(`l LOGIN ${user} ${password}`)
    await wire.expect(/^l OK /)
    return new ImapTalk(wire)
  }

  /** Says a command. Each literal follows the part of the command before it: `say('APPEND x', 'message')`. */
  async say(command: string, ...rest: readonly string[]): Promise<Told> {
    const tag = `t${++this.#count}`
    const parts = [`${tag} ${command}`, ...rest]
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const literal = parts[at + 1] ?? ''
      this.wire.send(`${parts[at] ?? ''} {${Buffer.byteLength(literal)}}`)
      const line = await this.wire.line()
      if (!line.startsWith('+')) return { untagged: [], tagged: plain(line.slice(tag.length + 1)) }
      this.wire.sendRaw(literal)
    }
    this.wire.send(parts.length % 2 === 0 ? '' : (parts.at(-1) ?? ''))
    return await this.heard(tag)
  }

  /** Everything up to the tagged reply. */
  async heard(tag: string): Promise<Told> {
    const untagged: string[] = []
    for (;;) {
      const response = await this.response()
      if (response.startsWith(`${tag} `)) return { untagged, tagged: plain(response.slice(tag.length + 1)) }
      untagged.push(response)
    }
  }

  /** One response with its literals. */
  async response(): Promise<string> {
    let text = await this.wire.line()
    for (;;) {
      const size = /\{(\d+)\}$/.exec(text)?.[1]
      if (size === undefined || !text.startsWith('* ')) return text
      const literal = await this.wire.bytes(Number(size))
      text += `\r\n${literal.toString('latin1')}${await this.wire.line()}`
    }
  }

  /** IDLE begins; what comes is read with `response`. Returns its tag. */
  async idle(): Promise<string> {
    const tag = `t${++this.#count}`
    this.wire.send(`${tag} IDLE`)
    await this.wire.expect(/^\+ /)
    return tag
  }

  async logout(): Promise<void> {
    this.wire.send('x LOGOUT')
    await this.wire.linesUntil(/^x OK /)
  }
}

/** A message of about this size. */
export function mail(subject: string, sizeBytes = 0): string {
  const line = `${'0123456789'.repeat(7)}\r\n`
  return `From: joe@example.org\r\nSubject: ${subject}\r\n\r\n${line.repeat(Math.ceil(sizeBytes / line.length))}end ${subject}\r\n`
}
