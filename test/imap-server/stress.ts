import assert from 'node:assert/strict'
import type { StressRandom } from './stress-random.ts'

/** Sends a command and resolves with everything up to its tagged reply. */
export interface StressWire {
  say(command: string): Promise<readonly string[]>
}

/** What sessions of one mailbox have in common, and must agree about. */
export class SharedTruth {
  /** What stands in the message with a UID: never anything else. */
  readonly tokens = new Map<number, string>()
  #next = 0

  newToken(): string {
    return `t${++this.#next}`
  }
}

interface Believed {
  uid: number | undefined
  flags: string | undefined
}

/**
 * A client that does anything at any time, and believes of the mailbox only what untagged replies told it. Whatever the server
 * says must fit what it said before; a contradiction is thrown as an AssertionError with the last lines heard.
 */
export class StressClient {
  readonly #wire: StressWire
  readonly #random: StressRandom
  readonly #truth: SharedTruth
  readonly #messages: Believed[] = []
  readonly #heard: string[] = []
  commands = 0

  constructor(wire: StressWire, random: StressRandom, truth: SharedTruth) {
    this.#wire = wire
    this.#random = random
    this.#truth = truth
  }

  async select(): Promise<void> {
    await this.#say('SELECT INBOX', { expunge: true })
  }

  /** One random deed. */
  async act(): Promise<void> {
    const deed = this.#random.pick(DEEDS)
    await this[deed]()
  }

  /** Nobody does anything any more: what is believed must be what is there. */
  async settle(): Promise<readonly string[]> {
    await this.#say('NOOP', { expunge: true })
    const believed = this.#messages.map(({ uid, flags }) => ({ uid, flags }))
    await this.#say('FETCH 1:* (UID FLAGS)', { expunge: false }, believed.length === 0)
    for (const [i, { uid, flags }] of believed.entries()) {
      const now = this.#messages[i]
      if (uid !== undefined) this.#check(now?.uid === uid, `message ${i + 1} is UID ${now?.uid}, and was ${uid}`)
      if (flags !== undefined)
        this.#check(now?.flags === flags, `message ${i + 1} has ${now?.flags}, and should have ${flags}`)
    }
    return this.#messages.map(({ uid, flags }) => `${uid} ${flags}`)
  }

  async append(): Promise<void> {
    const token = this.#truth.newToken()
    const text = `X-Token: ${token}\r\n\r\n${token}\r\n`
    const lines = await this.#say(`APPEND INBOX ${this.#flags()} {${text.length}+}\r\n${text}`, { expunge: true })
    const uid = Number(/\[APPENDUID \d+ (\d+)\]/.exec(lines.at(-1) ?? '')?.[1])
    this.#check(!this.#truth.tokens.has(uid), `UID ${uid} is given a second time`)
    this.#truth.tokens.set(uid, token)
  }

  async fetch(): Promise<void> {
    await this.#say(`FETCH ${this.#set()} (UID FLAGS)`, { expunge: false }, this.#messages.length === 0)
  }

  async uidFetch(): Promise<void> {
    await this.#say('UID FETCH 1:* (FLAGS)', { expunge: true })
  }

  async body(): Promise<void> {
    if (this.#messages.length === 0) return
    const number = this.#random.below(this.#messages.length) + 1
    const lines = await this.#say(`FETCH ${number} (UID BODY.PEEK[HEADER.FIELDS (X-TOKEN)])`, { expunge: false })
    const uid = Number(/UID (\d+)/.exec(lines.find((line) => line.includes('BODY[')) ?? '')?.[1])
    const token = /^X-Token: (\w+)$/m.exec(lines.join('\n'))?.[1]
    const known = this.#truth.tokens.get(uid)
    if (token !== undefined && known !== undefined)
      this.#check(token === known, `UID ${uid} holds ${token}, not ${known}`)
  }

  async store(): Promise<void> {
    if (this.#messages.length === 0) return
    const how = this.#random.pick(['+FLAGS', '-FLAGS', 'FLAGS', '+FLAGS.SILENT'])
    if (how.endsWith('.SILENT')) this.#forgetFlags()
    await this.#say(`STORE ${this.#set()} ${how} ${this.#flags()}`, { expunge: false })
  }

  async search(): Promise<void> {
    const lines = await this.#say(`SEARCH ${this.#random.pick(['ALL', 'SEEN', 'UNDELETED', 'NOT FLAGGED'])}`, {
      expunge: false,
    })
    const found =
      lines
        .find((line) => line.startsWith('* SEARCH'))
        ?.split(' ')
        .slice(2)
        .map(Number) ?? []
    for (const number of found) this.#check(number <= this.#messages.length, `found ${number}`)
  }

  async expunge(): Promise<void> {
    await this.#say('EXPUNGE', { expunge: true })
  }

  async delete(): Promise<void> {
    if (this.#messages.length < MANY) return
    await this.#say(`STORE ${this.#set()} +FLAGS (\\Deleted)`, { expunge: false })
    await this.#say('EXPUNGE', { expunge: true })
  }

  async copy(): Promise<void> {
    if (this.#messages.length === 0 || this.#messages.length > MANY) return
    const lines = await this.#say(
      `COPY ${this.#random.below(this.#messages.length) + 1} INBOX`,
      { expunge: true },
      true,
    )
    const match = /\[COPYUID \d+ (\d+) (\d+)\]/.exec(lines.at(-1) ?? '')
    const [source, target] = [Number(match?.[1]), Number(match?.[2])]
    if (match === null) return
    this.#check(!this.#truth.tokens.has(target), `UID ${target} is given a second time`)
    this.#truth.tokens.set(target, this.#truth.tokens.get(source) ?? '')
  }

  async noop(): Promise<void> {
    await this.#say('NOOP', { expunge: true })
  }

  /** `mayFail`: a NO or BAD is an answer too. */
  async #say(command: string, { expunge }: { expunge: boolean }, mayFail = false): Promise<readonly string[]> {
    this.commands++
    this.#heard.push(`> ${command.split('\r\n')[0]}`)
    const lines = await this.#wire.say(command)
    for (const line of lines) this.#hear(line, expunge)
    if (!mayFail) this.#check(/^\S+ OK/.test(lines.at(-1) ?? ''), `refused: ${lines.at(-1)}`)
    return lines
  }

  #hear(line: string, mayExpunge: boolean): void {
    this.#heard.push(line)
    const [, number = '', what = '', rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH) ?(.*)$/.exec(line) ?? []
    const count = Number(number)
    switch (what) {
      case 'EXISTS':
        this.#check(count >= this.#messages.length, `${count} messages, but ${this.#messages.length} were there`)
        while (this.#messages.length < count) this.#messages.push({ uid: undefined, flags: undefined })
        return
      case 'EXPUNGE':
        this.#check(mayExpunge, 'EXPUNGE while numbers must hold')
        this.#check(count >= 1 && count <= this.#messages.length, 'EXPUNGE of no message')
        this.#messages.splice(count - 1, 1)
        return
      case 'FETCH':
        return this.#learn(count, rest)
      default:
    }
  }

  #learn(number: number, items: string): void {
    const message = this.#messages[number - 1]
    if (message === undefined) return this.#check(false, `FETCH of message ${number} of ${this.#messages.length}`)
    const uid = /\bUID (\d+)/.exec(items)?.[1]
    if (uid !== undefined) {
      this.#check(message.uid === undefined || message.uid === Number(uid), `message ${number} was UID ${message.uid}`)
      message.uid = Number(uid)
      const before = this.#messages[number - 2]?.uid
      this.#check(before === undefined || before < message.uid, `UID ${uid} stands behind ${before}`)
    }
    const flags = /FLAGS \(([^)]*)\)/.exec(items)?.[1]
    if (flags !== undefined) {
      message.flags = flags
        .split(' ')
        .filter((flag) => flag !== '\\Recent' && flag !== '')
        .toSorted()
        .join(' ')
    }
  }

  /** Who says .SILENT does not hear what became of the flags. */
  #forgetFlags(): void {
    for (const message of this.#messages) message.flags = undefined
  }

  #check(holds: boolean, complaint: string): void {
    if (!holds) assert.fail(`${complaint}\n  ${this.#heard.slice(-25).join('\n  ')}`)
  }

  #set(): string {
    const count = this.#messages.length
    const [a, b] = [this.#random.below(count) + 1, this.#random.below(count) + 1]
    return this.#random.pick([String(a), `${a}:${b}`, `${a},${b}`, '1:*'])
  }

  #flags(): string {
    return this.#random.pick(['(\\Seen)', '(\\Flagged \\Seen)', '(\\Answered)', '(one)', '(two \\Draft)', '()'])
  }
}

const DEEDS = [
  'append',
  'fetch',
  'uidFetch',
  'body',
  'store',
  'store',
  'search',
  'expunge',
  'delete',
  'copy',
  'noop',
] as const
/** With more messages than this some are removed. */
const MANY = 40
