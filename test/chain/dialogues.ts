import type { LoginProtocol } from '../peers/dovecot.ts'
import type { Wire } from '../support/wire.ts'

/** What the last backend of a chain was told about the client. */
export interface Told {
  readonly ip: string | undefined
  readonly port: string | undefined
  readonly session: string | undefined
  readonly ttl: string | undefined
  /** The port the client connected to, where the protocol tells it. */
  readonly connectedPort?: string | undefined
  readonly forward: ReadonlyMap<string, string>
}

/** A login of joe with the password `secret`, at both ends of a chain of proxies. */
export interface ChainDialogue {
  readonly protocol: LoginProtocol
  /** Logs in, joe unless told otherwise; resolves with the reply. */
  readonly login: (client: Wire, user?: string) => Promise<string>
  readonly welcome: string
  /** Plays the last backend. */
  readonly backend: (wire: Wire) => Promise<void>
  readonly told: (received: string) => Told
  /** The reply when a backend is not there. */
  readonly unavailable: string
  /** The reply when proxies point at each other. */
  readonly loop: string
}

const imap: ChainDialogue = {
  protocol: 'imap',
  async login(client, user = 'joe') {
    await client.expect(/^\* OK /)
    client.send(`a LOGIN ${user} secret`)
    return await client.line()
  },
  welcome: 'a OK [CAPABILITY IMAP4rev1] in',
  async backend(wire) {
    wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR ID AUTH=PLAIN] backend')
    await wire.expect(/^I ID /)
    await wire.expect('L LOGIN "joe" "secret"')
    wire.send('I OK', 'L OK [CAPABILITY IMAP4rev1] in')
  },
  told(received) {
    const [, list = ''] = /^I ID \((.*)\)\r$/m.exec(received) ?? []
    const pairs = new Map([...list.matchAll(/"([^"]*)" "([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]))
    const forward = [...pairs].filter(([key]) => key.startsWith('x-forward-'))
    return {
      ip: pairs.get('x-originating-ip'),
      port: pairs.get('x-originating-port'),
      session: pairs.get('x-session-id'),
      ttl: pairs.get('x-proxy-ttl'),
      connectedPort: pairs.get('x-connected-port'),
      forward: new Map(forward.map(([key, value]) => [key.slice('x-forward-'.length), value])),
    }
  },
  unavailable: 'a NO [UNAVAILABLE] Account is temporarily unavailable.',
  loop: 'a NO [SERVERBUG] Account is temporarily unavailable.',
}

const pop3: ChainDialogue = {
  protocol: 'pop3',
  async login(client, user = 'joe') {
    await client.expect(/^\+OK /)
    client.send(`USER ${user}`, 'PASS secret')
    await client.expect('+OK')
    return await client.line()
  },
  welcome: '+OK in',
  async backend(wire) {
    wire.send('+OK [XCLIENT] backend')
    await wire.expect(/^XCLIENT /)
    await wire.expect('USER joe')
    wire.send('+OK', '+OK')
    await wire.expect('PASS secret')
    wire.send('+OK in')
  },
  told: (received) => readXclient(received, (value) => value),
  unavailable: '-ERR [SYS/TEMP] Account is temporarily unavailable.',
  loop: '-ERR Account is temporarily unavailable.',
}

const submission: ChainDialogue = {
  protocol: 'submission',
  async login(client, user = 'joe') {
    await client.expect(/^220 /)
    client.send(`AUTH PLAIN ${plainOf(user)}`)
    return await client.line()
  },
  welcome: '235 2.7.0 in',
  async backend(wire) {
    wire.send('220 backend ESMTP')
    await wire.expect(/^EHLO /)
    wire.send('250-backend', '250-XCLIENT ADDR PORT SESSION TTL FORWARD', '250 AUTH PLAIN')
    await wire.expect(/^XCLIENT /)
    await wire.expect(/^EHLO /)
    wire.send('220 again', '250-backend', '250 AUTH PLAIN')
    await wire.expect(`AUTH PLAIN ${PLAIN_AUTHZID}`)
    wire.send('235 2.7.0 in')
  },
  told: (received) =>
    readXclient(received, (value) =>
      value.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
  unavailable: '454 4.7.0 Account is temporarily unavailable.',
  loop: '454 4.7.0 Account is temporarily unavailable.',
}

const sieve: ChainDialogue = {
  protocol: 'sieve',
  async login(client, user = 'joe') {
    await client.linesUntil(/^OK /)
    client.send(`AUTHENTICATE "PLAIN" "${plainOf(user)}"`)
    return await client.line()
  },
  welcome: 'OK "in"',
  async backend(wire) {
    wire.send('"SASL" "PLAIN"', '"XCLIENT"', 'OK "backend"')
    await wire.expect(/^XCLIENT /)
    wire.send('OK')
    await wire.expect(`AUTHENTICATE "PLAIN" "${PLAIN_AUTHZID}"`)
    wire.send('OK "in"')
  },
  told: (received) => readXclient(received, (value) => value),
  unavailable: 'NO (TRYLATER) "Account is temporarily unavailable."',
  // Of a refusal that is not "try later" a ManageSieve client learns nothing.
  loop: 'NO "Authentication failed."',
}

export const CHAIN_DIALOGUES: readonly ChainDialogue[] = [imap, pop3, submission, sieve]

const PLAIN_AUTHZID = Buffer.from('joe\0joe\0secret').toString('base64')

function plainOf(user: string): string {
  return Buffer.from(`\0${user}\0secret`).toString('base64')
}

function readXclient(received: string, decode: (value: string) => string): Told {
  const words = received.split('\r\n').filter((line) => line.startsWith('XCLIENT '))
  const said = new Map(
    words
      .flatMap((line) => line.split(' ').slice(1))
      .map((word) => {
        const equals = word.indexOf('=')
        return [word.slice(0, equals), decode(word.slice(equals + 1))]
      }),
  )
  const forward = Buffer.from(said.get('FORWARD') ?? '', 'base64').toString('latin1')
  return {
    ip: said.get('ADDR'),
    port: said.get('PORT'),
    session: said.get('SESSION'),
    ttl: said.get('TTL'),
    forward: new Map(
      forward
        .split('\t')
        .filter((pair) => pair !== '')
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  }
}
