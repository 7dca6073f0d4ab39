import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Role, ROLES } from './partner-roles.ts'
import { visit } from './partner-visit.ts'
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
  await inParallel(
    bulk,
    until,
    async (turn) => await visit(open(turn), { role, commands: much, leaves: leaves(turn), slow: turn % 4 > 1 }),
  )
  await inParallel(
    count,
    until,
    async (turn) => await visit(open(turn), { role, commands: role.client, leaves: leaves(turn), slow: false }),
  )
}

const score = { begun: 0, letIn: 0 }

async function inParallel(count: number, until: number, work: (turn: number) => Promise<boolean>): Promise<void> {
  let begun = 0
  const client = async (): Promise<void> => {
    while (begun < count && performance.now() < until) {
      score.begun++
      if (await work(begun++)) score.letIn++
    }
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
  void run(message).finally(() => tell({ kind: 'done', ...score }))
})
tell({ kind: 'backends', backends })
