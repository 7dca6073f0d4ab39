import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { PATIENCE_MS } from '../support/deadline.ts'
import { type Side, type Step, type Transcript, unescapeBytes } from './transcript.ts'

/** A server that is played against. */
export interface Stage {
  readonly side: Side
  readonly port: number
  readonly user: string
}

/** Something else was said than the transcript has. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch'
}

/** What a block of the transcript was answered with: for recording. */
export type Recorder = (after: number, client: number, heard: readonly string[]) => void

/** Plays a transcript. With a recorder nothing is compared, and what is said until silence is reported. */
export async function play(transcript: Transcript, stage: Stage, record?: Recorder): Promise<void> {
  const clients = new Map<number, Client>()
  const kept = new Map<string, string>()
  const clientOf = async (number: number): Promise<Client> => {
    let client = clients.get(number)
    if (client === undefined) {
      client = await Client.logIn(stage, transcript.modSeq)
      clients.set(number, client)
    }
    return client
  }
  try {
    let pending = ''
    let sent = ''
    for (const [index, step] of transcript.steps.entries()) {
      if (step.kind === 'keep') {
        for (const client of clients.values())
          if (client.lastModSeq !== undefined) kept.set(step.name, client.lastModSeq)
      }
      if (step.kind !== 'send' && step.kind !== 'wait') continue
      const client = await clientOf(step.client)
      if (step.kind === 'send') {
        const text = fill(step.text, client, kept)
        pending += step.exact ? unescapeBytes(text) : `${unescapeBytes(text)}\r\n`
        if (step.together) continue
        client.send(pending)
        sent = pending
        pending = ''
      }
      if (record !== undefined)
        record(index, step.client, await client.untilSilence(step.kind === 'wait' ? undefined : sent))
      else await compare(client, expected(transcript.steps, index, stage.side), `${transcript.name}, step ${index + 1}`)
    }
    for (const client of clients.values()) client.expectNothing(transcript.name)
  } finally {
    for (const client of clients.values()) client.close()
  }
}

/** The lines this side says after a step, by the client that hears them. */
function expected(steps: readonly Step[], index: number, side: Side): readonly string[] {
  const lines: string[] = []
  for (const step of steps.slice(index + 1)) {
    if (step.kind === 'note') continue
    if (step.kind !== 'hear') break
    if (step.only === undefined || step.only === side) lines.push(step.text)
  }
  return lines
}

async function compare(client: Client, lines: readonly string[], where: string): Promise<void> {
  const heard: string[] = []
  while (heard.length < lines.length) {
    const line = await client.line()
    if (line === undefined) break
    heard.push(line)
  }
  const [want, got] = [inOrder(lines), inOrder(heard)]
  const at = want.findIndex((line, i) => line !== got[i])
  if (at < 0) return
  throw new Mismatch(
    `${where}: line ${at + 1}\nexpected ${want[at]}\n     got ${got[at] ?? 'nothing'}\n  all of ${heard.join('\n         ')}`,
  )
}

/** LIST, LSUB and STATUS lines come in any order. */
export function inOrder(lines: readonly string[]): readonly string[] {
  const sorted: string[] = []
  let run: string[] = []
  for (const line of [...lines, '']) {
    if (/^\* (LIST|LSUB|STATUS) /.test(line)) run.push(line)
    else {
      sorted.push(...run.sort(), line)
      run = []
    }
  }
  return sorted.slice(0, -1)
}

function fill(text: string, client: Client, kept: ReadonlyMap<string, string>): string {
  return text
    .replaceAll('<v>', client.uidValidity ?? '1')
    .replaceAll('<m>', client.lastModSeq ?? '1')
    .replaceAll(/<(\w+)>/g, (all, name: string) => kept.get(name) ?? all)
}

/** One connection, logged in. */
class Client {
  readonly #socket: Socket
  readonly #withModSeq: boolean
  readonly #side: Side
  #unread = ''
  #ended = false
  #wake: () => void = () => {}
  uidValidity: string | undefined
  lastModSeq: string | undefined

  static async logIn({ port, user, side }: Stage, withModSeq: boolean): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const client = new Client(socket, withModSeq, side)
    await client.#rawLine()
    client.send(`login LOGIN ${user} x\r\n`)
    for (;;) {
      const line = await client.#rawLine()
      if (line === undefined) throw new Error('no login')
      if (line.startsWith('login ')) return client
    }
  }

  private constructor(socket: Socket, withModSeq: boolean, side: Side) {
    this.#socket = socket
    this.#side = side
    this.#withModSeq = withModSeq
    socket.on('data', (chunk: Buffer) => {
      this.#unread += chunk.toString('latin1')
      this.#wake()
    })
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
    }
  }

  send(bytes: string): void {
    this.#socket.write(bytes, 'latin1')
  }

  /** The next line that counts, with what differs from run to run in words; undefined when none comes. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const line = await this.#rawLine()
      if (line === undefined) return this.#ended ? 'EOF' : undefined
      const shown = this.#learn(line)
      if (shown !== undefined) return shown
    }
  }

  /** What is said in answer to a line, or, without one, what comes by itself within a second or two. */
  async untilSilence(sent: string | undefined): Promise<readonly string[]> {
    const lines: string[] = []
    const tag = sent === undefined ? undefined : /^[a-z]\d* (?=[a-z])/i.exec(sent)?.[0]
    let answered = sent !== undefined && tag === undefined
    for (;;) {
      const line = await this.#rawLine(answered ? SILENCE_MS : LONG_SILENCE_MS)
      if (line !== undefined && (line.startsWith('+ ') || (tag !== undefined && line.startsWith(tag)))) answered = true
      if (line === undefined) return this.#ended ? [...lines, 'EOF'] : lines
      const shown = this.#learn(line)
      if (shown !== undefined) lines.push(shown)
    }
  }

  expectNothing(name: string): void {
    const rest = this.#unread
      .split('\r\n')
      .slice(0, -1)
      .map((line) => this.#learn(line))
      .filter((line) => line !== undefined)
    if (rest.length > 0) throw new Mismatch(`${name}: said besides: ${rest.join('\n')}`)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #rawLine(patienceMs = PATIENCE_MS): Promise<string | undefined> {
    for (;;) {
      const end = this.#unread.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#unread.slice(0, end)
        this.#unread = this.#unread.slice(end + 2)
        return line
      }
      if (this.#ended) return undefined
      const woken = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), patienceMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve(true)
        }
      })
      if (!woken) return undefined
    }
  }

  #learn(line: string): string | undefined {
    this.uidValidity = /\[UIDVALIDITY (\d+)\]/.exec(line)?.[1] ?? this.uidValidity
    this.lastModSeq = /(?:HIGHEST)?MODSEQ \(?(\d+)/.exec(line)?.[1] ?? this.lastModSeq
    const shown = (this.#side === 'dovecot' ? withoutChance(line) : line)
      .replace(/ ?\(\d+\.\d{3}( \+ \d+\.\d{3})+ secs\)\.$/, ' <secs>')
      .replace(/\[\d{4}-\d\d-\d\d [\d:]{8}\]/, '[<date-time>]')
      .replace(/\[UIDVALIDITY \d+\]/, '[UIDVALIDITY <v>]')
      .replace(/(STATUS .*UIDVALIDITY )\d+/, '$1<v>')
      .replace(/\b(APPENDUID|COPYUID) \d+/, '$1 <v>')
      .replace(/X-GUID [0-9a-f]{32}/, 'X-GUID <guid>')
      .replace(/MODSEQ (\(?)\d+/g, 'MODSEQ $1<modseq>')
    return !this.#withModSeq && shown === '* OK [HIGHESTMODSEQ <modseq>] Highest' ? undefined : shown
  }
}

/** Dovecot calls a mailbox marked when a second has passed between what was done to it and to its index. */
function withoutChance(line: string): string {
  return line.replace(/^(\* LIST \([^)]*) \\Marked\b/, '$1')
}

const SILENCE_MS = 120
const LONG_SILENCE_MS = 1500
