import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { StressRandom } from '../imap-server/stress-random.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeCertificate } from '../support/certificates.ts'
import { eventually } from '../support/control.ts'
import { connectRaw } from '../support/raw-client.ts'

export interface StormOptions {
  readonly seconds: number
  readonly seed: number
}

export interface StormEnd {
  readonly connections: number
  /** How many of them a backend let in. */
  readonly logins: number
}

const WORKERS = 2
/** Clients at once. */
const CLIENTS = 60
/** Nobody's deeds take longer. */
const CLIENT_MS = 4_000
const MUCH = Buffer.alloc(2_000_000, '* x\r\n')
const DEAD = /Fatal|Panic|Assertion|uncaught|exited|died|killed|signal|bare sockets/i

/**
 * Hammers a proxy with bare sockets: clients that leave at each byte, reset, close halfway, pipeline, begin TLS and do not go on, read
 * slowly or not at all; backends that do the same. Rejects when a worker died, a connection stays open, or nobody can log in any more.
 */
export async function bareStorm({ seconds, seed }: StormOptions): Promise<StormEnd> {
  const random = new StressRandom(seed)
  const backend = await startBackend(random)
  const server = await startPostern(await proxyConfig(backend.port), ['-o', 'postern_bare_sockets=yes'])
  try {
    await logIn(server)
    const workers = workersOf(server)
    assert.equal(workers.length, WORKERS)
    const port = server.ports['imap'] ?? 0
    const until = performance.now() + seconds * 1000
    let connections = 0
    const lane = async (): Promise<void> => {
      for (; performance.now() < until; connections++) await visit(port, random)
    }
    await Promise.all(Array.from({ length: CLIENTS }, lane))
    backend.leaveAll()
    await eventually('every connection is closed', () => workers.every((pid) => openConnections(pid) === 0))
    assert.deepEqual(workersOf(server), workers, `a worker died:\n${server.logLines.slice(-20).join('\n')}`)
    const bad = server.logLines.filter((line) => DEAD.test(line))
    assert.deepEqual(bad, [])
    await logIn(server)
    return { connections, logins: backend.logins() }
  } finally {
    await server.stop()
    backend.close()
  }
}

async function proxyConfig(backendPort: number): Promise<Parameters<typeof startPostern>[0]> {
  const { cert, key } = await makeCertificate()
  return ({ dir, port }) => {
    writeFileSync(join(dir, 'cert.pem'), cert)
    writeFileSync(join(dir, 'key.pem'), key)
    return `protocols = imap
disable_plaintext_auth = no
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
postern_workers = ${WORKERS}
login_proxy_max_reconnects = 1
login_proxy_timeout = 2s
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = nopassword=y proxy=y host=127.0.0.1 port=${backendPort}
}
`
  }
}

async function logIn({ ports }: Started): Promise<void> {
  const client = await connectRaw({ port: ports['imap'] ?? 0 })
  await client.expect(/^\* OK /)
  client.send('a LOGIN steady secret')
  await client.expect(/^a OK /)
  client.send('b noop')
  await client.expect('B NOOP')
  client.close()
  await client.expectEnd()
}

function workersOf({ pid }: Started): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .trim()
    .split(' ')
    .map(Number)
    .toSorted((one, other) => one - other)
}

/** TCP connections over IPv4 of a process that are not listening. */
function openConnections(pid: number): number {
  const inodes = new Set<string>()
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    const [, , , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    if (state !== undefined && state !== LISTENING) inodes.add(`socket:[${inode}]`)
  }
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => inodes.has(targetOf(`/proc/${pid}/fd/${fd}`))).length
}

/** A state in /proc/net/tcp. */
const LISTENING = '0A'

function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    // Closed meanwhile.
    return ''
  }
}

/** One client, who does something, and leaves in some way. */
async function visit(port: number, random: StressRandom): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: random.below(2) === 0 })
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  socket.on('error', () => undefined)
  const late = setTimeout(() => socket.destroy(), CLIENT_MS)
  try {
    await Promise.race([once(socket, 'connect'), closed])
    // What a visit waits for may never come behind the end of its connection.
    if (!socket.destroyed) await Promise.race([VISITS[random.below(VISITS.length)]?.(socket, random), closed])
  } catch {
    // Whatever breaks was meant to.
  }
  leave(socket, random)
  await closed
  clearTimeout(late)
}

function leave(socket: Socket, random: StressRandom): void {
  switch (random.below(4)) {
    case 0:
      return reset(socket)
    case 1:
      socket
        .on('end', () => socket.destroy())
        .resume()
        .end()
      return
    case 2:
      socket.end('z LOGOUT\r\n')
      socket.resume().on('end', () => socket.destroy())
      return
    default:
      socket.destroy()
  }
}

/** Node forgets to close a socket that is to be reset while its end waits to be sent, or below TLS. */
function reset(socket: Socket): void {
  if (socket.writable && socket.writableLength === 0 && !TLS_BEGUN.has(socket)) socket.resetAndDestroy()
  else socket.destroy()
}

const TLS_BEGUN = new WeakSet<Socket>()

const LOGIN = 'a LOGIN joe secret\r\n'

/** Waits until this was said; what else is said is thrown away. Rejects when the connection ends first, or did before. */
async function heard(socket: Socket, text: string): Promise<void> {
  // Nothing more is told of one that is over.
  if (socket.destroyed || socket.readableEnded) throw new Error('it ended')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let all = ''
  const listen = (data: Buffer): void => {
    all = all.slice(-1000) + data.toString('latin1')
    if (all.includes(text)) resolve()
  }
  const end = (): void => reject(new Error('it ended'))
  socket.on('data', listen).once('end', end).once('close', end)
  await promise.finally(() => socket.off('data', listen).off('end', end).off('close', end))
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Visit = (socket: Socket, random: StressRandom) => Promise<void> | void

const VISITS: readonly Visit[] = [
  function leavesAtOnce() {},
  function saysPartOfTheLogin(socket, random) {
    socket.write(LOGIN.slice(0, random.below(LOGIN.length + 1)))
  },
  async function saysTheLoginInBytes(socket) {
    socket.resume()
    for (const letter of LOGIN) {
      if (!socket.writable) return
      socket.write(letter)
      await turn()
    }
  },
  async function logsIn(socket, random) {
    socket.write(LOGIN)
    await heard(socket, 'a OK')
    for (let count = random.below(20); count > 0 && socket.writable; count--) {
      socket.write(`b${count} noop\r\n`)
      await heard(socket, `B${count} NOOP`)
    }
  },
  async function pipelines(socket) {
    socket.write(`0 NOOP\r\n${LOGIN}${'c noop\r\n'.repeat(1000)}`)
    await heard(socket, 'C NOOP')
  },
  async function pipelinesAndEnds(socket) {
    socket.end(`${LOGIN}c noop\r\nd LOGOUT\r\n`)
    await heard(socket, 'NOOP')
  },
  async function speaksAndNeverReads(socket) {
    socket.pause()
    for (let count = 0; count < 200 && socket.writable; count++) {
      socket.write('x CAPABILITY\r\n'.repeat(200))
      await turn()
    }
  },
  async function asksForMuchAndReadsNothing(socket, random) {
    socket.write(LOGIN)
    await heard(socket, 'a OK')
    socket.pause()
    socket.write('m much\r\n')
    for (let turns = random.below(200); turns > 0; turns--) await turn()
  },
  async function asksForMuchAndReadsSlowly(socket) {
    socket.write(LOGIN)
    await heard(socket, 'a OK')
    socket.write('m much\r\n')
    for (let bytes = 0; bytes < 1_000_000 && !socket.destroyed; ) {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) await turn()
      bytes += chunk?.length ?? 0
    }
  },
  async function sendsMuch(socket, random) {
    socket.write(LOGIN)
    await heard(socket, 'a OK')
    socket.resume()
    for (let count = random.below(10); count > 0 && socket.writable; count--) {
      socket.write('e noop\r\n'.repeat(20_000))
      await turn()
    }
  },
  async function asksForTlsAndSaysSomethingElse(socket, random) {
    socket.write('s STARTTLS\r\n')
    await heard(socket, 's OK')
    socket.write(random.pick(['a NOOP\r\n', '\x16\x03\x01', '\x16\x03\x01\x02\0', '\0'.repeat(1000)]))
    for (let turns = random.below(5); turns > 0; turns--) await turn()
  },
  function asksForTlsAndDoesNotWait(socket) {
    socket.write('s STARTTLS\r\n\x16\x03\x01\x02\0\x01')
  },
  async function asksForTlsUnderWhatItHasNotRead(socket) {
    socket.pause()
    socket.write(`${'x CAPABILITY\r\n'.repeat(3000)}s STARTTLS\r\n`)
    for (let turns = 0; turns < 50; turns++) await turn()
    socket.resume()
  },
  async function logsInWithinTls(socket, random) {
    socket.write('s STARTTLS\r\n')
    await heard(socket, 's OK')
    TLS_BEGUN.add(socket)
    const secure = connectTls({ socket, rejectUnauthorized: false })
    secure.on('error', () => undefined)
    // In the middle of the handshake, or some time after it.
    if (random.below(3) === 0) return
    await Promise.race([once(secure, 'secureConnect'), once(secure, 'close')])
    secure.write(LOGIN)
    await heard(secure, 'a OK')
    secure.write(random.pick(['b noop\r\n', 'm much\r\n']))
    if (random.below(2) === 0) await heard(secure, '\r\n')
    if (random.below(2) === 0) secure.destroy()
  },
]

interface Backend {
  readonly port: number
  readonly logins: () => number
  leaveAll(): void
  close(): void
}

/** A backend that answers in capitals, or misbehaves; towards the user `steady` it does not. */
async function startBackend(random: StressRandom): Promise<Backend> {
  const open = new Set<Socket>()
  let logins = 0
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    new BackendSession(socket, random, () => logins++)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    logins: () => logins,
    leaveAll() {
      for (const socket of open) socket.destroy()
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

class BackendSession {
  readonly #socket: Socket
  readonly #random: StressRandom
  readonly #onLogin: () => void
  #unread = ''

  constructor(socket: Socket, random: StressRandom, onLogin: () => void) {
    this.#socket = socket
    this.#random = random
    this.#onLogin = onLogin
    socket.on('data', (data: Buffer) => this.#read(data.toString('latin1')))
    socket.on('end', () => socket.end())
    socket.write('* OK [CAPABILITY IMAP4rev1 SASL-IR ID LITERAL+] ready\r\n')
  }

  #read(text: string): void {
    this.#unread += text
    for (let end = this.#unread.indexOf('\n'); end >= 0; end = this.#unread.indexOf('\n')) {
      const line = this.#unread.slice(0, end + 1)
      this.#unread = this.#unread.slice(end + 1)
      if (this.#socket.writable) this.#answer(line)
    }
  }

  #answer(line: string): void {
    const socket = this.#socket
    if (line.startsWith('I ')) socket.write('I OK\r\n')
    else if (line.startsWith('L ')) this.#login(line)
    else if (line.startsWith('m ')) socket.write(MUCH)
    else {
      socket.write(line.toUpperCase())
      if (this.#random.below(3000) === 0) this.#break()
    }
  }

  #login(line: string): void {
    const isSteady = line.includes('steady') || line.includes(STEADY)
    if (!isSteady && this.#random.below(6) === 0) return this.#break()
    this.#onLogin()
    this.#socket.write('L OK [CAPABILITY IMAP4rev1] in\r\n')
    if (!isSteady && this.#random.below(6) === 0) this.#break()
  }

  #break(): void {
    const socket = this.#socket
    switch (this.#random.below(4)) {
      case 0:
        return reset(socket)
      case 1:
        return void socket.end('* BYE busy\r\n')
      case 2:
        socket.write('L O')
        return reset(socket)
      default:
        return void socket.destroy()
    }
  }
}

/** As SASL PLAIN says it. */
const STEADY = Buffer.from('\0steady\0secret').toString('base64')
