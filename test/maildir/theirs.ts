import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'
import type { MailboxSnapshot, MaildirSnapshot } from './session.ts'

/** An IMAP client of a Dovecot that serves the Maildir. */
export class ImapSession {
  readonly #wire: Wire
  #tag = 0

  private constructor(wire: Wire) {
    this.#wire = wire
  }

  static async open(port: number, user: string, password: string): Promise<ImapSession> {
    const wire = await connectRaw({ port, name: 'Dovecot' })
    await wire.expect(/^\* OK /)
    const session = new ImapSession(wire)
    await session.run(`LOGIN ${user} ${password}`)
    return session
  }

  /** Runs a command; untagged lines come back. Rejects unless it ends with OK. */
  async run(command: string): Promise<string[]> {
    const { status, lines } = await this.attempt(command)
    if (!status.startsWith('OK')) throw new Error(`${command}: ${status}`)
    return lines
  }

  /** Runs a command, however it ends. */
  async attempt(command: string): Promise<{ readonly status: string; readonly lines: string[] }> {
    const tag = `t${++this.#tag}`
    this.#wire.sendRaw(`${tag} ${command}\r\n`)
    const lines = await this.#wire.linesUntil(new RegExp(`^(${tag}|\\* BYE) `))
    const last = lines.pop() ?? ''
    return { status: last.slice(tag.length + 1), lines }
  }

  /** APPEND; returns the UID. */
  async append(mailbox: string, subject: string, flags: readonly string[]): Promise<number> {
    const text = `Subject: ${subject}\r\n\r\nHello.\r\n`
    const { status } = await this.attempt(`APPEND ${mailbox} (${flags.join(' ')}) {${text.length}+}\r\n${text}`)
    const uid = /^OK \[APPENDUID \d+ (\d+)\]/.exec(status)?.[1]
    if (uid === undefined) throw new Error(`APPEND: ${status}`)
    return Number(uid)
  }

  /** Everything, without moving anything from `new`. */
  async snapshot(): Promise<MaildirSnapshot> {
    const names = namesIn(await this.run('LIST "" *')).filter(({ flags }) => !/\\Noselect|\\NonExistent/i.test(flags))
    const mailboxes: Record<string, MailboxSnapshot> = {}
    for (const { name } of names) mailboxes[name] = await this.mailbox(name)
    const subscriptions = namesIn(await this.run('LSUB "" *')).map(({ name }) => name)
    return { mailboxes, subscriptions: subscriptions.sort() }
  }

  async mailbox(name: string): Promise<MailboxSnapshot> {
    const selected = (await this.run(`EXAMINE "${name}"`)).join('\n')
    const number = (key: string): number => Number(new RegExp(`\\[${key} (\\d+)\\]`).exec(selected)?.[1])
    const fetched = /\* 0 EXISTS/.test(selected)
      ? []
      : await this.run('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
    const snapshot = { uidValidity: number('UIDVALIDITY'), uidNext: number('UIDNEXT'), messages: messagesIn(fetched) }
    await this.run('UNSELECT')
    return snapshot
  }

  close(): void {
    this.#wire.destroy()
  }
}

function namesIn(lines: readonly string[]): { readonly name: string; readonly flags: string }[] {
  return lines.flatMap((line) => {
    const [, flags = '', name] = /^\* (?:LIST|LSUB) \(([^)]*)\) "\/" "?(.*?)"?$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, flags }]
  })
}

function messagesIn(lines: readonly string[]): MailboxSnapshot['messages'] {
  const messages: { uid: number; flags: string[]; subject: string }[] = []
  for (const line of lines) {
    const [, uid, flags] = /^\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\)/.exec(line) ?? []
    const subject = /^Subject: (.*)$/.exec(line)?.[1]
    const last = messages.at(-1)
    if (uid !== undefined && flags !== undefined) {
      const named = flags.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent')
      messages.push({ uid: Number(uid), flags: named.sort(), subject: '' })
    } else if (subject !== undefined && last !== undefined) last.subject = subject
  }
  // One that somebody removed just now has no text any more.
  return messages.filter(({ subject }) => subject !== '')
}
