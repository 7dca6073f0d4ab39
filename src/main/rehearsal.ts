import { duplexPair, type Duplex } from 'node:stream'
import { SocketStream } from '../net/socket-stream.ts'
import type { Settings } from '../config/config.ts'
import type { BackendIo, ClientIdentity, Protocol, ProtocolName, ProxyTarget } from '../protocols/protocol.ts'
import { Secret } from '../util/secret.ts'

/** Stands for the password in what is shown. */
const PASSWORD = '(password)'
/** A rehearsal that hangs is a bug; it does not hang the command. */
const REHEARSAL_MS = 2_000

export interface RehearsalScene {
  readonly settings: Settings
  readonly identity: ClientIdentity
  readonly hostname: string
}

/**
 * What a backend login would send, line by line: the protocol's own dialogue, against a backend that offers everything and
 * says yes to everything. No connection is made, and the real password is not there.
 */
export async function rehearse(
  protocol: Protocol,
  target: ProxyTarget,
  { settings, identity, hostname }: RehearsalScene,
): Promise<readonly string[]> {
  const [near, far] = duplexPair()
  const endpoint = { ip: target.ip, port: target.port }
  const stream = new SocketStream(near, { local: endpoint, remote: endpoint })
  stream.setDeadline(REHEARSAL_MS)
  const sent: string[] = []
  const backend = playBackend(protocol.name, far, sent)
  const io: BackendIo = {
    stream,
    step: '',
    settings,
    identity,
    hostname,
    async startTls() {
      sent.push('(TLS handshake)')
      await Promise.resolve()
      backend.shakeHands()
    },
    channelBinding: () => undefined,
    warn: (text) => sent.push(`(warning: ${text})`),
  }
  const secret = target.secret === undefined ? undefined : new Secret(PASSWORD)
  try {
    await protocol.backend(io, { ...target, secret })
  } catch (error) {
    sent.push(`(fails: ${error instanceof Error ? error.message : String(error)})`)
  } finally {
    stream.destroy()
    far.destroy()
  }
  return sent
}

/** What such a backend says first, and to each line. */
interface Role {
  readonly greeting: string
  /** What it says by itself after the handshake. */
  readonly afterTls?: string
  answer(line: string): string
}

const XCLIENT = 'HELO PROTO LOGIN TTL PORT ADDR SESSION FORWARD'
const SIEVE_READY = '"SASL" "PLAIN"\r\n"STARTTLS"\r\n"XCLIENT" ""\r\nOK "ready"\r\n'

const ROLES: Readonly<Record<Exclude<ProtocolName, 'lmtp'>, Role>> = {
  imap: {
    greeting: '* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID STARTTLS AUTH=PLAIN AUTH=LOGIN] ready\r\n',
    answer: (line) => {
      const [tag = '', command = ''] = line.split(' ')
      if (command.toUpperCase() === 'CAPABILITY') return `* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID\r\n${tag} OK\r\n`
      return command === '' ? 'L OK in\r\n' : `${tag} OK done\r\n`
    },
  },
  pop3: { greeting: '+OK [XCLIENT] ready\r\n', answer: () => '+OK\r\n' },
  submission: {
    greeting: '220 ready\r\n',
    answer: (line) => {
      const command = line.split(' ')[0]?.toUpperCase() ?? ''
      if (command === 'EHLO') return `250-ready\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 XCLIENT ${XCLIENT}\r\n`
      return command === 'XCLIENT' || command === 'STARTTLS' ? '220 ready\r\n' : '235 2.7.0 in\r\n'
    },
  },
  sieve: { greeting: SIEVE_READY, afterTls: SIEVE_READY, answer: () => 'OK\r\n' },
}

function playBackend(name: ProtocolName, end: Duplex, sent: string[]): { shakeHands(): void } {
  if (name === 'lmtp') return { shakeHands: () => undefined }
  const role = ROLES[name]
  let unread = ''
  end.on('error', () => undefined)
  end.on('data', (chunk: Buffer) => {
    unread += chunk.toString('latin1')
    const lines = unread.split('\r\n')
    unread = lines.pop() ?? ''
    for (const line of lines) {
      sent.push(...shownLine(line))
      end.write(role.answer(line), 'latin1')
    }
  })
  end.write(role.greeting, 'latin1')
  return { shakeHands: () => role.afterTls !== undefined && end.write(role.afterTls, 'latin1') }
}

/** The line as it is sent, and what its base64 says. */
function shownLine(line: string): readonly string[] {
  const text = Buffer.from(line, 'latin1').toString('utf8')
  const [, encoded] = /^(?:\S+ )?AUTH(?:ENTICATE)? \S+ "?(?:\{\d+\+?\})?([A-Za-z0-9+/=]+)"?$/i.exec(text) ?? []
  const decoded = Buffer.from(encoded ?? '', 'base64').toString('utf8')
  return decoded.includes(PASSWORD) ? [text, `  (that is ${decoded.replaceAll('\0', '\\0')})`] : [text]
}
