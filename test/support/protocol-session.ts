import { duplexPair, type Duplex } from 'node:stream'
import { settingRows } from '../../src/config/settings/index.ts'
import type { Settings } from '../../src/config/config.ts'
import { SocketStream } from '../../src/net/socket-stream.ts'
import type {
  BackendIo,
  ClientIdentity,
  Credentials,
  LoginIo,
  LoginVerdict,
  ProxyTarget,
} from '../../src/protocols/protocol.ts'
import { Secret } from '../../src/util/secret.ts'

/** All settings at their defaults, with some others. */
export function testSettings(changes: Partial<Settings> = {}): Settings {
  const defaults = Object.fromEntries(Object.entries(settingRows).map(([name, row]) => [name, row.defaultValue]))
  return { ...defaults, ...changes } as Settings
}

/** The other end of a stream under test: a stranger, or a backend. */
export class Peer {
  /** What was written to us, one entry a write. */
  readonly writes: string[] = []
  /** The stream under test closed. */
  closed = false
  #unread = ''
  #wake: () => void = () => {}
  readonly #end: Duplex

  constructor(end: Duplex) {
    this.#end = end
    end.on('data', (chunk: Buffer) => {
      this.writes.push(chunk.toString('latin1'))
      this.#unread += chunk.toString('latin1')
      this.#wake()
    })
    end.on('end', () => this.#over())
    end.on('close', () => this.#over())
    end.on('error', () => this.#over())
  }

  /** Sends bytes, held as latin1. */
  send(bytes: string): void {
    this.#end.write(bytes, 'latin1')
  }

  /** Sends each byte by itself. */
  async sendByteByByte(bytes: string): Promise<void> {
    for (const byte of bytes) {
      this.send(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Leaves. */
  end(): void {
    this.#end.end()
  }

  /** The next line written to us, CRLF removed; undefined when there is none to come. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#unread.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#unread.slice(0, end)
        this.#unread = this.#unread.slice(end + 2)
        return line
      }
      if (this.closed) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Everything that was written and not taken by `line`, once nothing more comes. */
  async rest(): Promise<string> {
    while (!this.closed) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#unread
  }

  #over(): void {
    this.closed = true
    this.#wake()
  }
}

/** A stream and whoever is at its other end, without a network. */
export function streamAndPeer(): { readonly stream: SocketStream; readonly peer: Peer } {
  const [near, far] = duplexPair()
  const endpoint = { ip: '127.0.0.1', port: 1 }
  return { stream: new SocketStream(near, { local: endpoint, remote: endpoint }), peer: new Peer(far) }
}

export const testIdentity: ClientIdentity = {
  session: 'zCeS6dBg/7B/AE0B',
  remote: { ip: '127.0.77.1', port: 45311 },
  local: { ip: '127.0.77.2', port: 27143 },
  ttl: 5,
  forward: new Map(),
}

/** A stranger's connection of which a test can say everything and that remembers what the dialogue did. */
export interface TestLoginIo extends LoginIo {
  readonly done: {
    readonly attempts: Credentials[]
    readonly notes: Parameters<LoginIo['note']>[0][]
    readonly forwarded: Parameters<LoginIo['forwarded']>[0][]
    readonly log: string[]
    readonly remarks: string[]
    /** What was still unread when TLS started. */
    readonly unreadAtTls: number[]
  }
}

export interface LoginOptions {
  readonly settings?: Partial<Settings>
  readonly secured?: boolean
  readonly tlsAvailable?: boolean
  readonly trusted?: boolean
  readonly mechanisms?: readonly string[]
  readonly attempt?: (credentials: Credentials) => Promise<LoginVerdict> | LoginVerdict
  readonly startTls?: () => Promise<void>
}

export function testLoginIo(stream: SocketStream, options: LoginOptions = {}): TestLoginIo {
  const done: TestLoginIo['done'] = { attempts: [], notes: [], forwarded: [], log: [], remarks: [], unreadAtTls: [] }
  const settings = testSettings(options.settings)
  const mechanisms = options.mechanisms ?? ['PLAIN', 'LOGIN']
  const tls = { active: false }
  return {
    done,
    stream,
    settings,
    identity: testIdentity,
    secured: options.secured ?? true,
    get tlsActive() {
      return tls.active
    },
    get tlsAvailable() {
      return !tls.active && (options.tlsAvailable ?? true)
    },
    trusted: options.trusted ?? false,
    hostname: 'mail.example.org',
    offeredMechanisms: () => mechanisms,
    greeting: 'Dovecot ready.',
    forwarded: (update) => void done.forwarded.push(update),
    note: (facts) => void done.notes.push(facts),
    async startTls() {
      done.unreadAtTls.push(stream.buffered)
      await options.startTls?.()
      tls.active = true
    },
    async attempt(credentials) {
      done.attempts.push(credentials)
      return (await options.attempt?.(credentials)) ?? { kind: 'refused', why: { kind: 'failed' } }
    },
    log: (text) => void done.log.push(text),
    remark: (text) => void done.remarks.push(text),
  }
}

export interface TestBackendIo extends BackendIo {
  readonly done: { readonly warnings: string[]; readonly steps: string[]; readonly unreadAtTls: number[] }
}

export function testBackendIo(
  stream: SocketStream,
  options: { identity?: Partial<ClientIdentity>; startTls?: () => Promise<void> } = {},
): TestBackendIo {
  const done: TestBackendIo['done'] = { warnings: [], steps: [], unreadAtTls: [] }
  return {
    done,
    stream,
    get step() {
      return done.steps.at(-1) ?? ''
    },
    set step(step: string) {
      done.steps.push(step)
    },
    settings: testSettings(),
    identity: { ...testIdentity, ...options.identity },
    hostname: 'mail.example.org',
    async startTls() {
      done.unreadAtTls.push(stream.buffered)
      await options.startTls?.()
    },
    channelBinding: () => undefined,
    warn: (text) => void done.warnings.push(text),
  }
}

export function testTarget(changes: Partial<ProxyTarget> = {}): ProxyTarget {
  return {
    host: '127.0.77.3',
    ip: '127.0.77.3',
    port: 28143,
    tls: 'none',
    verifyCertificate: true,
    destuser: 't1',
    secret: new Secret('secret'),
    nopipelining: false,
    notTrusted: false,
    noauth: false,
    ttl: 4,
    forward: new Map(),
    timeoutMs: 30_000,
    immediateFailureAfterMs: 30_000,
    ...changes,
  }
}

/**
 * Runs a written dialogue: `C: ` and `B: ` lines are sent (CRLF added; `C> ` as they are), `S: ` and `P: ` lines are what
 * must come, `S: EOF` the end.
 */
export async function play(peer: Peer, script: readonly string[]): Promise<void> {
  for (const [index, step] of script.entries()) {
    const text = step.slice(3)
    switch (step.slice(0, 3)) {
      case 'C: ':
      case 'B: ':
        peer.send(`${text}\r\n`)
        break
      case 'C> ':
        peer.send(text)
        break
      case 'S: ':
      case 'P: ': {
        const line = (await peer.line()) ?? 'EOF'
        if (line !== text)
          throw new Error(`line ${index + 1}: expected ${JSON.stringify(text)}, got ${JSON.stringify(line)}`)
        break
      }
      default:
        throw new Error(`line ${index + 1} is no step: ${step}`)
    }
  }
}
