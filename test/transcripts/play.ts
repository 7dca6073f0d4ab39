import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { LoginProtocol } from '../peers/dovecot.ts'
import type { ScriptedBackend } from '../peers/scripted-backend.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import type { Certificate } from '../support/certificates.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'
import { expand, generalise, mismatch, unescapeBytes, type Values } from './placeholders.ts'
import type { Side, Step, Transcript } from './parse.ts'

/** Where a transcript is played: one proxy, one backend, one client address. */
export interface Stage {
  readonly side: Side
  readonly protocol: LoginProtocol
  readonly proxyHost: string
  readonly port: number
  /** The port where TLS begins with the first byte. */
  readonly tlsPort: number
  readonly clientAddress: string
  /** Absent when the backend is a real server. */
  readonly backend: ScriptedBackend | undefined
  readonly certificates: Certificates
  /** The proxy's log, growing. */
  readonly log: {
    readonly lines: readonly string[]
    waitFor(matches: (line: string) => boolean, from: number, ms: number): Promise<string>
  }
  readonly values: Values
  /** Instead of complaining about a line that does not fit, take it for the file. */
  readonly record?: (step: Step, actual: string) => void
}

/** Certificates by the name the transcripts call them. */
export interface Certificates {
  readonly authority: Certificate
  readonly byName: ReadonlyMap<string, Certificate>
}

/** Long enough for a proxy to be done with what it can do alone. */
const MOMENT_MS = 200

/** How long nobody may speak for "hears nothing". */
const SILENCE_MS = 250

/** A log line is written by the time its event can be seen, or nearly so. */
const LOG_MS = PATIENCE_MS
const RECORD_LOG_MS = 700

/** How proxies leave a backend that is done: before the transcript is, or after, where it does not say so. */
const GOODBYE = 'QUIT\r\n'

/** A server did what it should, as far as its client and backend can see, and did not write what it should. */
export class MissingLogLine extends Error {}

/** Plays a transcript from top to bottom. Rejects at the first line that does not come true, showing what led there. */
export async function play(transcript: Transcript, stage: Stage): Promise<void> {
  const player = new Player(stage)
  const steps = transcript.steps.filter((step) => step.only === undefined || step.only === stage.side)
  try {
    for (const [index, step] of steps.entries()) {
      await player.perform(step, steps[index - 1], steps[index + 1]).catch((error: unknown) => {
        throw new Error(`${transcript.file}:${step.at}: against ${stage.side}\n${player.story()}`, { cause: error })
      })
    }
    player.checkNothingIsLeft(transcript, steps)
  } finally {
    player.leave()
  }
}

class Player {
  readonly #stage: Stage
  readonly #clients = new Map<number, Wire>()
  readonly #logStart: number
  /** Whoever does not care what else it receives. */
  readonly #ignored = new Set<Wire>()
  readonly #told: string[] = []
  /** Log lines shown already, when recording. */
  readonly #shown = new Set<string>()
  #outbox: (string | Buffer)[] = []
  #lastSent = performance.now()

  constructor(stage: Stage) {
    this.#stage = stage
    this.#logStart = stage.log.lines.length
  }

  async perform(step: Step, _previous: Step | undefined, next: Step | undefined): Promise<void> {
    switch (step.kind) {
      case 'client-sends':
        return this.#send(step, next, await this.#client(step.connection))
      case 'backend-sends':
        return this.#send(step, next, await this.#backend(step.connection))
      case 'client-hears':
        return await this.#hear(step, await this.#client(step.connection))
      case 'backend-hears':
        return await this.#hear(step, await this.#backend(step.connection))
      case 'client-does':
        return await this.#clientDoes(step.connection, step.deed)
      case 'backend-does':
        return await this.#backendDoes(step.connection, step.deed)
      case 'log':
        return await this.#findLog(step)
      case 'time': {
        const secs = (performance.now() - this.#lastSent) / 1000
        const inTime = secs >= step.fromSecs && secs <= step.toSecs
        assert.ok(inTime, `took ${secs.toFixed(2)} s, expected ${step.fromSecs}..${step.toSecs}`)
        return
      }
      case 'gap':
        return
    }
  }

  /** Every word of the file came true; was there more than that? */
  checkNothingIsLeft(transcript: Transcript, steps: readonly Step[]): void {
    if (this.#stage.record !== undefined) return
    const backends = this.#stage.backend?.connections ?? []
    for (const wire of [...this.#clients.values(), ...backends]) {
      const isGoodbye = wire.unread === GOODBYE && backends.includes(wire)
      const rest = this.#ignored.has(wire) || isGoodbye ? '' : wire.unread.slice(0, 300)
      assert.ok(
        rest === '',
        `${transcript.file}: ${wire.name} received more than the transcript says: ${JSON.stringify(rest)}`,
      )
    }
    const { backend } = this.#stage
    if (backend === undefined) return
    const mentioned = steps.map((step) =>
      step.kind.startsWith('backend-') && 'connection' in step ? step.connection : 0,
    )
    const most = Math.max(0, ...mentioned)
    assert.equal(backend.connections.length, most, `${transcript.file}: number of connections to the backend`)
  }

  leave(): void {
    for (const wire of this.#clients.values()) wire.destroy()
  }

  /** What happened so far, for a complaint. */
  story(): string {
    const log = this.#stage.log.lines.slice(this.#logStart).filter((line) => line.includes(this.#stage.clientAddress))
    const unread = [...this.#clients.values(), ...(this.#stage.backend?.connections ?? [])]
      .filter((wire) => wire.unread !== '')
      .map((wire) => `${wire.name} has unread: ${JSON.stringify(wire.unread)}`)
    return [...this.#told.slice(-12), ...unread, ...log.slice(-6).map((line) => `log: ${line}`)]
      .map((line) => `  ${line}`)
      .join('\n')
  }

  /** Neighbouring lines of one speaker go out in one write. */
  #send(step: Sending, next: Step | undefined, wire: Wire): void {
    const text = expand(step.text, this.#stage.values)
    this.#told.push(`${wire.name} < ${shorten(text)}`)
    this.#outbox.push(step.exact ? Buffer.from(unescapeBytes(text), 'latin1') : Buffer.from(`${text}\r\n`, 'utf8'))
    if (next?.kind === step.kind && next.connection === step.connection) return
    const bytes = Buffer.concat(this.#outbox.map((piece) => Buffer.from(piece)))
    this.#outbox = []
    if (step.kind === 'client-sends') this.#lastSent = performance.now()
    wire.sendRaw(bytes)
  }

  async #hear(step: Hearing, wire: Wire): Promise<void> {
    const wanted = 'exact' in step && step.exact ? unescapeBytes(step.text) : undefined
    const got = wanted === undefined ? await wire.line() : (await wire.bytes(wanted.length)).toString('latin1')
    const line = Buffer.from(got, 'latin1').toString('utf8')
    this.#told.push(`${wire.name} > ${shorten(line)}`)
    this.#compare(step, wanted ?? step.text, wanted === undefined ? line : got)
  }

  #compare(step: Step, wanted: string, actual: string): void {
    const problem = mismatch(wanted, actual, this.#stage.values)
    if (problem === undefined) return
    if (this.#stage.record === undefined) assert.fail(problem)
    this.#stage.record(step, generalise(actual, this.#stage.values))
  }

  async #findLog(step: Step & { kind: 'log' }): Promise<void> {
    const { log, values, record } = this.#stage
    const fits = (line: string): boolean => mismatch(step.text, withoutTime(line), new Map(values)) === undefined
    try {
      const line = await log.waitFor(fits, this.#logStart, record === undefined ? LOG_MS : RECORD_LOG_MS)
      this.#shown.add(line)
      mismatch(step.text, withoutTime(line), values)
    } catch {
      const mine = log.lines
        .slice(this.#logStart)
        .filter((line) => line.includes(this.#stage.clientAddress) && !this.#shown.has(line))
      for (const line of mine) this.#shown.add(line)
      const shown = mine.map((line) => generalise(withoutTime(line), values)).join('\nL: ')
      if (record === undefined) {
        const others = log.lines.slice(-6).join('\n')
        throw new MissingLogLine(
          `no such log line: ${step.text}\nthere was:\nL: ${shown}\nlast lines of all:\n${others}`,
        )
      }
      record(step, shown)
    }
  }

  async #client(number: number): Promise<Wire> {
    return this.#clients.get(number) ?? (await this.#connect(number, false))
  }

  async #connect(number: number, overTls: boolean): Promise<Wire> {
    const { proxyHost, clientAddress, values } = this.#stage
    const port = overTls ? this.#stage.tlsPort : this.#stage.port
    const name = number === 1 ? 'client' : `client ${number}`
    const options = { host: proxyHost, port, localAddress: clientAddress, name }
    const wire = await connectRaw(overTls ? { ...options, tls: { rejectUnauthorized: false } } : options)
    this.#clients.set(number, wire)
    values.set(number === 1 ? 'client-port' : `client${number}-port`, String(wire.localPort))
    return wire
  }

  async #backend(number: number): Promise<Wire> {
    if (this.#stage.backend === undefined) throw new Error('the backend of this transcript is a real server')
    return await this.#stage.backend.connection(number)
  }

  async #clientDoes(number: number, deed: string): Promise<void> {
    if (deed === 'connects' || deed === 'connects over tls')
      return void (await this.#connect(number, deed !== 'connects'))
    const wire = await this.#client(number)
    if (deed === 'is greeted') return await this.#greeting(wire)
    const dribbled = /^dribbles (.*)$/.exec(deed)
    if (dribbled !== null) return await this.#dribble(wire, dribbled[1] ?? '')
    const shown = /^was shown (.*)$/.exec(deed)
    if (shown !== null) return assert.equal(wire.tls?.getPeerCertificate().subject.CN, shown[1], 'certificate')
    const startsTls = /^starts tls(?: for (\S+))?$/.exec(deed)
    if (startsTls === null) return await endsOrWaits(wire, deed)
    const servername = startsTls[1]
    await wire.startTlsAsClient({ rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) })
  }

  async #dribble(wire: Wire, text: string): Promise<void> {
    await wire.sendInPieces(`${expand(text, this.#stage.values)}\r\n`)
  }

  /** Whatever it says: the transcripts about greetings spell it out. */
  async #greeting(wire: Wire): Promise<void> {
    const { first, last } = GREETINGS[this.#stage.protocol]
    const lines = await wire.linesUntil(last)
    this.#told.push(...lines.map((line) => `${wire.name} > ${shorten(line)}`))
    assert.match(lines[0] ?? '', first, 'greeting')
  }

  async #backendDoes(number: number, deed: string): Promise<void> {
    const wire = await this.#backend(number)
    if (deed === 'accepts') return
    // So that a proxy which tries the handshake at once has to wait for it, as it would for any backend that is not this machine.
    if (deed === 'takes a moment') return await pause(MOMENT_MS)
    if (deed === 'ignores the rest') return void this.#ignored.add(wire)
    const startsTls = /^starts tls( expecting trouble)?(?: as (\S+))?$/.exec(deed)
    if (startsTls !== null) return await this.#backendTls(wire, startsTls[2] ?? 'backend', startsTls[1] !== undefined)
    const asked = /^was asked for (.*)$/.exec(deed)
    if (asked !== null) {
      const servername = (wire.tls as (TLSSocket & { servername?: string | false }) | undefined)?.servername
      assert.equal(servername || 'no name', expand(asked[1] ?? '', this.#stage.values), 'server name (SNI)')
      return
    }
    const dribbled = /^dribbles (.*)$/.exec(deed)
    if (dribbled !== null) return await this.#dribble(wire, dribbled[1] ?? '')
    const from = /^comes from (.*)$/.exec(deed)
    if (from !== null) return assert.equal(wire.remoteAddress, from[1], 'address the proxy connects from')
    const shown = /^was shown (.*)$/.exec(deed)
    if (shown === null) return await endsOrWaits(wire, deed)
    const subject = wire.tls?.getPeerCertificate().subject
    assert.equal(subject === undefined ? 'no certificate' : subject.CN, shown[1], 'client certificate')
  }

  async #backendTls(wire: Wire, name: string, mayFail: boolean): Promise<void> {
    const certificate = this.#stage.certificates.byName.get(name)
    if (certificate === undefined) throw new Error(`no certificate is called ${name}`)
    const handshake = wire.startTlsAsServer({ ...certificate, requestCert: true })
    await (mayFail ? handshake.catch(() => undefined) : handshake)
  }
}

/** How a greeting begins, and its last line. */
const GREETINGS: Readonly<Record<LoginProtocol, { readonly first: RegExp; readonly last: RegExp }>> = {
  imap: { first: /^\* OK /, last: /^\* / },
  pop3: { first: /^\+OK /, last: /^[+-]/ },
  submission: { first: /^220 /, last: /^\d{3} / },
  sieve: { first: /^"IMPLEMENTATION" /, last: /^(?:OK|NO|BYE)/ },
}

type Sending = Step & { kind: 'client-sends' | 'backend-sends' }
type Hearing = Step & { kind: 'client-hears' | 'backend-hears' }

async function endsOrWaits(wire: Wire, deed: string): Promise<void> {
  switch (deed) {
    case 'closes':
      return wire.close()
    case 'resets':
      return wire.reset()
    case 'sees the end':
      return await wire.expectEnd()
    case 'hears nothing':
      return await wire.expectSilence(SILENCE_MS)
    default:
      throw new Error(`nobody knows how to do "${deed}"`)
  }
}

function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}... (${text.length} characters)` : text
}

/** `Nov 21 22:30:59 imap-login: Info: text` without its time. */
function withoutTime(line: string): string {
  return line.replace(/^\w{3} [ \d]\d \d\d:\d\d:\d\d /, '')
}
