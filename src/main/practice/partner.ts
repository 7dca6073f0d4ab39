import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Role, ROLES } from './partner-roles.ts'
import type { FromPartner, ToPartner } from './partner-messages.ts'

/** The entry of the process that practises with a worker: its backends and its clients. It ends when the worker does. */

const HERE = '127.0.0.1'
/** Clients at a time. */
const CLIENTS = 8
/** First a little of everything, so that code is compiled for all it will meet; then the bulk. */
const ROUNDS = [
  { plain: 40, tls: 10, bulk: 8 },
  { plain: 400, tls: 80, bulk: 2 },
  { plain: 1_200, tls: 200, bulk: 2 },
] as const
/** Of protocols beyond the first; they share most code with it. */
const FURTHER_SHARE = 0.25
/** A login that hangs is given up. */
const LOGIN_MS = 5_000

function tell(message: FromPartner): void {
  process.send?.(message)
}

function openBackend(role: Role): Server {
  return createServer((socket) => {
    let unread = ''
    socket.on('error', () => undefined)
    socket.write(`${role.greeting}\r\n`, 'latin1')
    socket.on('data', (chunk: Buffer) => {
      const lines = (unread + chunk.toString('latin1')).split('\r\n')
      unread = lines.pop() ?? ''
      const answers = lines.map((line) => role.answer(line)).filter((answer) => answer !== '')
      // What came together is answered together, as servers do.
      if (answers.length > 0) socket.write(`${answers.join('\r\n')}\r\n`, 'latin1')
      if (lines.some((line) => /(QUIT|LOGOUT)$/.test(line))) socket.end()
    })
  }).listen(0, HERE)
}

/** More than any answer that matters. */
const LINE_CHARACTERS = 200
/** Long enough for what is sent to fill all buffers on the way. */
const PAUSE_MS = 20

function pause(socket: Socket): void {
  socket.pause()
  setTimeout(() => socket.resume(), PAUSE_MS)
}

/** One session: every second one leaves by itself, the others are left by the backend. */
function visit(role: Role, socket: Socket, commands: readonly string[], leaves: boolean, slow = false): Promise<void> {
  return new Promise((resolve) => {
    let step = 0
    let unread = ''
    const giveUp = setTimeout(() => socket.destroy(), LOGIN_MS)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(giveUp)
      resolve()
    })
    socket.on('data', (chunk: Buffer) => {
      unread += chunk.toString('latin1')
      const lines = unread.split('\r\n')
      // The last line may be megabytes of a message.
      unread = (lines.pop() ?? '').slice(-LINE_CHARACTERS)
      for (const line of lines) {
        if (role.answered[step]?.test(line) !== true) continue
        const command = commands[step++]
        if (command === undefined || (leaves && step === commands.length)) socket.end()
        else socket.write(`${command}\r\n`, 'latin1')
        if (slow && command === role.bulk) pause(socket)
      }
    })
  })
}

async function run({ listeners, forMs }: ToPartner): Promise<void> {
  const until = performance.now() + forMs
  const protocols = [...new Set(listeners.map(({ protocol }) => protocol))]
  for (const { plain, tls, bulk } of ROUNDS) {
    for (const [index, protocol] of protocols.entries()) {
      const share = index === 0 ? 1 : FURTHER_SHARE
      for (const wantsTls of [false, true]) {
        const ports = listeners
          .filter((one) => one.protocol === protocol && one.tls === wantsTls)
          .map(({ port }) => port)
        const count = wantsTls ? tls : plain
        await practise({ protocol, ports, tls: wantsTls, count: count * share, bulk: bulk * share }, until)
      }
    }
  }
}

interface Exercise {
  readonly protocol: string
  /** Turn by turn. */
  readonly ports: readonly number[]
  readonly tls: boolean
  readonly count: number
  readonly bulk: number
}

async function practise({ protocol, ports, tls, count, bulk }: Exercise, until: number): Promise<void> {
  const role = ROLES[protocol]
  if (role === undefined || ports.length === 0) return
  const open = (turn: number): Socket => {
    const port = ports[turn % ports.length] ?? 0
    if (tls) return connectTls({ host: HERE, port, rejectUnauthorized: false })
    return connect({ host: HERE, port, noDelay: true })
  }
  const leaves = (turn: number): boolean => Math.floor(turn / ports.length) % 2 === 0
  const much = role.client.map((command, index) => (index === role.client.length - 2 ? role.bulk : command))
  await inParallel(bulk, until, async (turn) => await visit(role, open(turn), much, leaves(turn), turn % 4 > 1))
  await inParallel(count, until, async (turn) => await visit(role, open(turn), role.client, leaves(turn)))
}

async function inParallel(count: number, until: number, work: (turn: number) => Promise<void>): Promise<void> {
  let begun = 0
  const client = async (): Promise<void> => {
    while (begun < count && performance.now() < until) await work(begun++)
  }
  await Promise.all(Array.from({ length: Math.min(CLIENTS, Math.ceil(count)) }, client))
}

const backends: Record<string, number> = {}
for (const [protocol, role] of Object.entries(ROLES)) {
  const server = openBackend(role)
  await once(server, 'listening')
  backends[protocol] = (server.address() as AddressInfo).port
}
process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToPartner) => {
  void run(message).finally(() => tell({ kind: 'done' }))
})
tell({ kind: 'backends', backends })
