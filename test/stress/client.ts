import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StressRandom } from '../imap-server/stress-random.ts'
import type { ImapWire } from './imap-wire.ts'
import type { Truth } from './truth.ts'
import { expandSet, View } from './view.ts'

/** How a session differs from others. */
export interface Manner {
  /** Which server it talks to: MODSEQs are each server's own. */
  readonly server: string
  readonly condstore: boolean
  readonly qresync: boolean
}

/** How long it listens with IDLE, in milliseconds. */
const IDLE_MS = 60
/** How long it is away before it resynchronises. */
const AWAY_MS = 100
/** With more messages than this some are removed, and none are copied. */
const MANY = 40
const HEARD = 40

/** A session that does anything at any time, in one mailbox after the other, and checks whatever it is told. */
export class StressClient {
  readonly #wire: ImapWire
  readonly #random: StressRandom
  readonly #truth: Truth
  readonly #manner: Manner
  readonly #heard: string[] = []
  #view!: View
  commands = 0

  constructor(wire: ImapWire, random: StressRandom, truth: Truth, manner: Manner) {
    this.#wire = wire
    this.#random = random
    this.#truth = truth
    this.#manner = manner
  }

  async begin(): Promise<void> {
    if (this.#manner.qresync) await this.#wire.say('ENABLE QRESYNC')
    await this.select()
  }

  /** One random deed. Throws an AssertionError with the last lines heard when an answer contradicts those before it. */
  async act(): Promise<void> {
    await this[this.#random.pick(DEEDS)]()
  }

  /** Nobody does anything any more: returns what is there, `UID FLAGS TOKEN` a message, and checks that it is what is believed. */
  async settle(name: string): Promise<readonly string[]> {
    await this.noop()
    if (this.#view.truth.name !== name) await this.#select(name)
    const believed = this.#view.messages.map(({ uid, flags }) => ({ uid, flags }))
    const lines = await this.#all('UID FETCH', '(FLAGS BODY.PEEK[HEADER.FIELDS (X-TOKEN)])')
    for (const [index, { uid, flags }] of believed.entries()) {
      const now = this.#view.messages[index]
      if (uid !== undefined) this.#check(now?.uid === uid, `message ${index + 1} is UID ${now?.uid}, and was ${uid}`)
      if (flags !== undefined)
        this.#check(now?.flags === flags, `message ${index + 1} has (${now?.flags}), and was told to have (${flags})`)
    }
    const held = new Map(
      lines.flatMap((line) => {
        const uid = /^\* \d+ FETCH .*?\bUID (\d+).*BODY\[/s.exec(line)?.[1]
        return uid === undefined ? [] : [[Number(uid), /\bX-Token: (\w+)/.exec(line)?.[1] ?? ''] as const]
      }),
    )
    return this.#view.messages.map(({ uid, flags }) => `${uid} (${flags}) ${held.get(uid ?? 0)}`)
  }

  /**
   * Comes back to a mailbox with what is known of it, after the others changed it: with what it is told now, it must know
   * which messages are left of those it knew, and when nobody changes anything, their flags. RFC 7162 §3.2.5.
   */
  async resynchronise(quiet = false): Promise<void> {
    const known = this.#view
    const { truth, highestModSeq } = known
    if (!this.#manner.qresync || highestModSeq === 0) return
    await this.#say('UNSELECT')
    await sleep(AWAY_MS)
    const fresh = new View(truth, true)
    fresh.resume(known)
    this.#view = fresh
    await this.#say(`SELECT ${truth.name} (QRESYNC (${truth.uidValidity} ${highestModSeq}))`)
    const believed = new Map(fresh.resumed)
    await this.#say('FETCH 1:* (UID FLAGS MODSEQ)', 'numbers hold', true)
    for (const [uid, flags] of believed) this.#checkResumed(uid, quiet ? flags : undefined)
  }

  #checkResumed(uid: number, flags: string | undefined): void {
    const now = this.#view.messages.find((message) => message.uid === uid)
    this.#check(now !== undefined, `UID ${uid} vanished, and nobody said so`)
    if (now === undefined || flags === undefined) return
    this.#check(
      now.flags === flags,
      `UID ${uid} has (${now.flags}) at MODSEQ ${now.modSeq}, and was told to have (${flags})`,
    )
  }

  async select(): Promise<void> {
    await this.#select(this.#random.pick([...this.#truth.mailboxes.keys()]))
  }

  async #select(name: string): Promise<void> {
    this.#view = new View(this.#truth.mailbox(name), this.#manner.qresync)
    await this.#say(`SELECT ${name}${this.#manner.condstore ? ' (CONDSTORE)' : ''}`)
  }

  async append(): Promise<void> {
    const name = this.#random.pick([...this.#truth.mailboxes.keys()])
    const token = this.#truth.newToken()
    const text = `X-Token: ${token}\r\nSubject: ${token}\r\n\r\n${token}\r\n`
    const lines = await this.#say(`APPEND ${name} ${this.#flags()} {${text.length}+}\r\n${text}`)
    const [, validity = '', uid] = /\[APPENDUID (\d+) (\d+)\]/.exec(lines.at(-1) ?? '') ?? []
    this.#check(uid !== undefined, 'APPEND without APPENDUID')
    const mailbox = this.#truth.mailbox(name)
    mailbox.validity(validity)
    mailbox.given(Number(uid), token)
  }

  async fetch(): Promise<void> {
    if (this.#view.messages.length > 0) await this.#say(`FETCH ${this.#set()} (UID FLAGS)`, 'numbers hold')
  }

  /** UIDs, flags and contents of everything. */
  async learn(): Promise<void> {
    await this.#all('UID FETCH', '(FLAGS BODY.PEEK[HEADER.FIELDS (X-TOKEN)])')
  }

  async store(): Promise<void> {
    if (this.#view.messages.length === 0) return
    const how = this.#random.pick(['+FLAGS', '-FLAGS', 'FLAGS', '+FLAGS.SILENT'])
    if (how.endsWith('.SILENT')) for (const message of this.#view.messages) message.flags = undefined
    await this.#say(`STORE ${this.#set()} ${how} ${this.#flags()}`, 'numbers hold')
  }

  /** What changed since is not touched. RFC 7162 §3.1.3. */
  async storeUnchanged(): Promise<void> {
    const { messages } = this.#view
    const index = this.#random.below(messages.length)
    const modSeq = messages[index]?.modSeq
    if (!this.#manner.condstore || modSeq === undefined) return
    const lines = await this.#say(`STORE ${index + 1} (UNCHANGEDSINCE ${modSeq}) +FLAGS (three)`, 'numbers hold')
    const modified = /\[MODIFIED ([\d:,]+)\]/.exec(lines.at(-1) ?? '')?.[1]
    if (modified === undefined) return
    this.#check(expandSet(modified).includes(index + 1), `MODIFIED ${modified}, asked for ${index + 1}`)
  }

  async search(): Promise<void> {
    const lines = await this.#say(
      `SEARCH ${this.#random.pick(['ALL', 'SEEN', 'UNDELETED', 'NOT FLAGGED'])}`,
      'numbers hold',
    )
    const found = lines.find((line) => line.startsWith('* SEARCH')) ?? ''
    for (const number of found.split(' ').slice(2).map(Number))
      this.#check(number <= this.#view.messages.length, `found ${number} of ${this.#view.messages.length}`)
  }

  async expunge(): Promise<void> {
    await this.learn()
    if (this.#view.messages.length > MANY / 2)
      await this.#say(`STORE ${this.#set()} +FLAGS (\\Deleted)`, 'numbers hold')
    await this.#say('EXPUNGE')
  }

  async expungeOne(): Promise<void> {
    await this.learn()
    const uid = this.#random.pick(this.#view.messages)?.uid
    if (uid === undefined || this.#view.messages.length < MANY / 4) return
    await this.#say(`UID STORE ${uid} +FLAGS (\\Deleted)`)
    await this.#say(`UID EXPUNGE ${uid}`)
  }

  async copy(): Promise<void> {
    if (this.#view.messages.length === 0 || this.#view.messages.length > MANY) return
    await this.learn()
    const number = this.#random.below(this.#view.messages.length) + 1
    if (number > this.#view.messages.length) return
    const target = this.#random.pick([...this.#truth.mailboxes.keys()])
    this.#transferred(await this.#say(`COPY ${number} ${target}`), target)
  }

  async move(): Promise<void> {
    await this.learn()
    if (this.#view.messages.length === 0) return
    const target = this.#random.pick([...this.#truth.mailboxes.keys()].filter((name) => name !== this.#view.truth.name))
    const first = this.#random.below(this.#view.messages.length) + 1
    const last = Math.min(first + this.#random.below(3), this.#view.messages.length)
    this.#transferred(await this.#say(`MOVE ${first}:${last} ${target}`), target)
  }

  async noop(): Promise<void> {
    await this.#say('NOOP')
  }

  async idle(): Promise<void> {
    const tag = this.#wire.start('IDLE')
    this.commands++
    this.#heard.push('> IDLE')
    this.#hearAll(await this.#wire.until('+ '), true)
    await sleep(IDLE_MS)
    this.#wire.sendRaw('DONE\r\n')
    this.#hearAll(await this.#wire.until(`${tag} `), true)
  }

  async status(): Promise<void> {
    await this.#say(`STATUS ${this.#random.pick([...this.#truth.mailboxes.keys()])} (MESSAGES UIDNEXT UNSEEN)`)
  }

  async #all(command: string, items: string): Promise<readonly string[]> {
    return await this.#say(`${command} 1:* ${items}`)
  }

  /** UIDs come in pairs: what was there, and what it is now. RFC 4315. */
  #transferred(lines: readonly string[], target: string): void {
    const found = lines
      .map((line) => /\[COPYUID (\d+) ([\d:,]+) ([\d:,]+)\]/.exec(line))
      .find((match) => match !== null)
    if (found === undefined || found === null) return
    const [sources, targets] = [expandSet(found[2] ?? ''), expandSet(found[3] ?? '')]
    this.#check(sources.length === targets.length, `COPYUID with ${sources.length} and ${targets.length} UIDs`)
    const to = this.#truth.mailbox(target)
    to.validity(found[1] ?? '')
    for (const [index, uid] of targets.entries()) {
      const token = this.#view.truth.tokens.get(sources[index] ?? 0)
      if (token !== undefined) this.#try(() => to.given(uid, token))
    }
  }

  async #say(
    command: string,
    numbers: 'numbers hold' | 'numbers may change' = 'numbers may change',
    mayFail = false,
  ): Promise<readonly string[]> {
    this.commands++
    this.#heard.push(`> ${command.split('\r\n')[0]}`)
    const lines = await this.#wire.say(command).catch((error: unknown) => this.#fail(String(error)))
    this.#hearAll(lines, numbers === 'numbers may change')
    // Somebody else removed what was asked for.
    if (!mayFail && !/^\S+ (OK|NO \[EXPUNGEISSUED\])/.test(lines.at(-1) ?? '')) this.#fail(`refused: ${lines.at(-1)}`)
    return lines
  }

  /** Reads all of it first: a complaint shows what came after, too. */
  #hearAll(lines: readonly string[], mayExpunge: boolean): void {
    for (const line of lines) this.#heard.push(line.replaceAll(/\s+/g, ' '))
    for (const line of lines) this.#try(() => this.#view.hear(line, mayExpunge))
    if (this.#heard.length > HEARD * 2) this.#heard.splice(0, HEARD)
  }

  #try(look: () => void): void {
    try {
      look()
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  #check(holds: boolean, complaint: string): void {
    if (!holds) this.#fail(complaint)
  }

  #fail(complaint: string): never {
    const { server, qresync } = this.#manner
    const where = `${server}, ${this.#view.truth.name}${qresync ? ', QRESYNC' : ''}`
    assert.fail(`${where}: ${complaint}\n  ${this.#heard.slice(-HEARD).join('\n  ')}`)
  }

  #set(): string {
    const count = this.#view.messages.length
    const [a, b] = [this.#random.below(count) + 1, this.#random.below(count) + 1]
    return this.#random.pick([String(a), `${a}:${b}`, `${a},${b}`, '1:*'])
  }

  #flags(): string {
    return this.#random.pick(['(\\Seen)', '(\\Flagged \\Seen)', '(\\Answered)', '(one)', '(two \\Draft)', '()'])
  }
}

const DEEDS = [
  'append',
  'append',
  'fetch',
  'learn',
  'store',
  'store',
  'storeUnchanged',
  'search',
  'expunge',
  'expungeOne',
  'copy',
  'move',
  'noop',
  'idle',
  'status',
  'select',
  'resynchronise',
  'resynchronise',
] as const
