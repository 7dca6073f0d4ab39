import type { TestContext } from 'node:test'
import type { Settings } from '../../src/config/config.ts'
import { serve } from '../../src/protocols/imap/server/serve.ts'
import { MemoryMail } from '../../src/storage/testing/open-memory-store.ts'
import type { MailStore } from '../../src/storage/store.ts'
import { type Peer, streamAndPeer } from '../support/protocol-session.ts'
import { mailSession } from './in-process.ts'

export interface SessionOptions {
  readonly mail?: MemoryMail
  readonly store?: MailStore
  readonly settings?: Partial<Settings>
  readonly plugins?: readonly string[]
}

/** A logged-in client of a server in this process, over a stream without a socket. */
export class TestSession {
  readonly peer: Peer
  readonly log: string[] = []
  /** Resolves when the server has ended the session. */
  readonly ended: Promise<void>
  readonly #kick = new AbortController()
  #tag = 0

  constructor(t: TestContext, options: SessionOptions = {}) {
    const { stream, peer } = streamAndPeer()
    const store = options.store ?? (options.mail ?? new MemoryMail()).open()
    this.peer = peer
    this.ended = serve(stream, mailSession(store, options, this.log, this.#kick.signal))
    const closed = this.ended.then(() => stream.close())
    t.after(async () => {
      peer.end()
      await closed
      await store.close()
    })
  }

  /** Says a command and returns everything up to its tagged reply, times removed; the tag is `a1`, `a2` ... */
  async say(command: string): Promise<readonly string[]> {
    const tag = `a${++this.#tag}`
    this.peer.send(`${tag} ${command}\r\n`)
    return await this.until(`${tag} `)
  }

  /** Lines up to the one that begins so, or to the end. */
  async until(start: string): Promise<readonly string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.peer.line()
      if (line === undefined) return [...lines, 'EOF']
      lines.push(line.replace(/ \(\d+\.\d{3} \+ 0\.000 secs\)\.$/, ''))
      if (line.startsWith(start)) return lines
    }
  }

  /** Puts a message into INBOX, or another mailbox. */
  async append(text: string, to = 'INBOX', flags = ''): Promise<void> {
    const [line] = await this.say(`APPEND ${to} (${flags}) {${text.length}+}\r\n${text}`)
    if (line?.includes(' OK ') !== true) throw new Error(line)
  }

  /** Ends the session from outside. */
  kick(): void {
    this.#kick.abort()
  }
}
