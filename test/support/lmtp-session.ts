import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Settings } from '../../src/config/config.ts'
import type { ProxyHeader } from '../../src/net/haproxy-header.ts'
import type { LogLevel, Observer } from '../../src/observe/events.ts'
import { sentence } from '../../src/observe/sentences.ts'
import { serveLmtp } from '../../src/protocols/lmtp/index.ts'
import type {
  Destination,
  LmtpClient,
  LmtpIo,
  LmtpServices,
  RecipientQuestion,
  RecipientRoute,
} from '../../src/protocols/lmtp/index.ts'
import { type Peer, streamAndPeer, testSettings } from './protocol-session.ts'

/** A backend as the tests name it; whatever is not given is usual. */
export function destination(changes: Partial<Destination> = {}): Destination {
  const usual = { protocol: 'lmtp', host: '192.0.2.9', ip: '192.0.2.9', port: 24, tls: 'none' } as const
  return { ...usual, verifyCertificate: true, notTrusted: false, ...changes }
}

/** A route to that backend under the recipient's own name. */
export function proxied(user: string, changes: Partial<Destination> = {}): RecipientRoute {
  return { kind: 'proxy', destination: destination(changes), destuser: user, forward: new Map(), problems: [] }
}

export interface TestLmtpOptions {
  readonly settings?: Partial<Settings>
  readonly trusted?: boolean
  readonly tlsAvailable?: boolean
  readonly haproxy?: ProxyHeader
  readonly route?: (question: RecipientQuestion) => RecipientRoute | Promise<RecipientRoute>
  readonly mailboxes?: LmtpServices['mailboxes']
  /** A backend was connected to. */
  readonly onBackend?: (peer: Peer) => void
  /** Instead of a connection. */
  readonly connect?: LmtpServices['connect']
}

export interface TestLmtp {
  readonly client: Peer
  /** Backends in the order they were connected to. */
  readonly backends: readonly { readonly peer: Peer; readonly destination: Destination; readonly client: LmtpClient }[]
  /** The backend with this number, from 1; waits for it. */
  backend(number: number): Promise<Peer>
  /** `Info: text` ... */
  readonly log: readonly string[]
  readonly events: readonly string[]
  stop(): void
  /** Resolves when the session is over. */
  readonly done: Promise<void>
}

/** A session without a network: a client, and backends that say what the test wants. */
export function testLmtp(t: TestContext, options: TestLmtpOptions = {}): TestLmtp {
  const { stream, peer: client } = streamAndPeer()
  t.after(() => stream.destroy())
  const backends: { peer: Peer; destination: Destination; client: LmtpClient }[] = []
  const log: string[] = []
  const events: string[] = []
  const observer = memoryObserver(log, events)
  const stopping = new AbortController()
  const io: LmtpIo = {
    stream,
    settings: testSettings({ lmtp_add_received_header: false, login_greeting: 'ready.', ...options.settings }),
    hostname: 'proxy.test',
    greeting: 'ready.',
    trusted: options.trusted ?? false,
    tlsAvailable: options.tlsAvailable ?? false,
    remote: { ip: '192.0.2.1', port: 4321 },
    localName: undefined,
    ...(options.haproxy === undefined ? undefined : { haproxy: options.haproxy }),
    number: 1,
    stopping: stopping.signal,
    hopsLeft: (forwarded) => forwarded,
    startTls: async () => await Promise.resolve(),
  }
  const services: LmtpServices = {
    observer,
    routeRecipient: async (question) => (await options.route?.(question)) ?? { kind: 'unknown' },
    connect:
      options.connect ??
      (async (to, from) => {
        const { stream: near, peer } = streamAndPeer()
        t.after(() => near.destroy())
        backends.push({ peer, destination: to, client: from })
        options.onBackend?.(peer)
        return await Promise.resolve({ stream: near, startTls: async () => await Promise.resolve() })
      }),
    now: Date.now,
    makeId: () => 'AAAAAAAAAAAAAAAAAAAAAA',
    ...(options.mailboxes === undefined ? undefined : { mailboxes: options.mailboxes }),
  }
  return {
    client,
    backends,
    log,
    events,
    stop: () => stopping.abort(),
    done: serveLmtp(io, services),
    async backend(number) {
      for (;;) {
        const found = backends[number - 1]
        if (found !== undefined) return found.peer
        await turn()
      }
    },
  }
}

function memoryObserver(log: string[], events: string[]): Observer {
  const write = (level: LogLevel, text: string): void => void log.push(`${level}: ${text}`)
  return {
    log: (level, _service, text) => write(level, text),
    emit(name, fields) {
      events.push(name)
      const line = sentence(name, fields)
      if (line !== undefined) write(line.level, line.text)
    },
  }
}

/** The first lines of a session with LHLO. */
export const HELLO = [
  'S: 220 proxy.test ready.',
  'C: LHLO client.test',
  'S: 250-proxy.test',
  'S: 250-8BITMIME',
  'S: 250-CHUNKING',
  'S: 250-ENHANCEDSTATUSCODES',
  'S: 250 PIPELINING',
] as const

/** A backend up to the first recipient that it takes, from its own point of view. */
export function taking(
  recipient: string,
  extensions = ['CHUNKING', 'ENHANCEDSTATUSCODES', 'PIPELINING'],
  mail = '',
): string[] {
  const lines = ['backend.test', ...extensions]
  return [
    'B: 220 backend.test',
    'P: LHLO proxy.test',
    ...lines.map((line, index) => `B: 250${index === lines.length - 1 ? ' ' : '-'}${line}`),
    `P: MAIL FROM:<a@b>${mail}`,
    'B: 250 2.1.0 OK',
    `P: RCPT TO:<${recipient}>`,
    'B: 250 2.1.5 OK',
  ]
}
