import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { StressRandom } from '../imap-server/stress-random.ts'
import { type MailHomes, PASSWORD } from '../peers/local-mail.ts'
import { connectRaw } from '../support/raw-client.ts'
import { StressClient } from './client.ts'
import { ImapWire } from './imap-wire.ts'
import { type MailboxTruth, Truth } from './truth.ts'

const MAILBOXES = ['INBOX', 'Work'] as const
const USER = 'joe'
const DELIVERY_MS = 100
/** Every session says so much, however slow the machine is. */
const LEAST_COMMANDS = 6
/** Directory times may stand for two changes within a second. */
const QUIET_MS = 2500

/** A server that serves the mail of `homes`. */
export interface Stage {
  readonly name: string
  readonly imap: number
  readonly lmtp?: number | undefined
  readonly sessions: number
  /** It answers CONDSTORE and QRESYNC with MODSEQs that this program checks. */
  readonly ours: boolean
}

export interface StressPlan {
  readonly homes: MailHomes
  readonly stages: readonly Stage[]
  readonly seconds: number
  readonly seed: number
}

export interface StressResult {
  readonly commands: number
  readonly messages: number
}

/** Sessions of several servers do random things in the same mailboxes. Throws when one of them is told a contradiction. */
export async function runStress({ stages, seconds, seed }: StressPlan): Promise<StressResult> {
  const truth = new Truth(MAILBOXES)
  await createMailboxes(stages[0]?.imap ?? 0)
  const wires: ImapWire[] = []
  try {
    const clients: StressClient[] = []
    for (const stage of stages) clients.push(...(await openClients(stage, truth, seed, wires)))
    const until = performance.now() + seconds * 1000
    await Promise.all([
      ...clients.map((client) => keepActing(client, until)),
      ...stages.flatMap(({ lmtp }) => (lmtp === undefined ? [] : [keepDelivering(lmtp, truth, until)])),
    ])
    await sleep(QUIET_MS)
    for (const client of clients) await client.resynchronise(true)
    for (const name of MAILBOXES) await settle(clients, truth.mailbox(name), truth)
    return {
      commands: clients.reduce((sum, client) => sum + client.commands, 0),
      messages: MAILBOXES.reduce((sum, name) => sum + truth.mailbox(name).tokens.size, 0),
    }
  } finally {
    for (const wire of wires) wire.destroy()
  }
}

async function createMailboxes(port: number): Promise<void> {
  const wire = await ImapWire.login(port, USER, PASSWORD)
  for (const name of MAILBOXES) if (name !== 'INBOX') await wire.say(`CREATE ${name}`)
  wire.destroy()
}

async function openClients(stage: Stage, truth: Truth, seed: number, wires: ImapWire[]): Promise<StressClient[]> {
  const clients: StressClient[] = []
  for (let number = 0; number < stage.sessions; number++) {
    const wire = await ImapWire.login(stage.imap, USER, PASSWORD)
    wires.push(wire)
    const qresync = stage.ours && number % 3 === 0
    const manner = { server: stage.name, qresync, condstore: stage.ours && number % 3 < 2 }
    const client = new StressClient(wire, new StressRandom(seed * 1000 + wires.length), truth, manner)
    await client.begin()
    clients.push(client)
  }
  return clients
}

async function keepActing(client: StressClient, until: number): Promise<void> {
  while (performance.now() < until || client.commands < LEAST_COMMANDS) await client.act()
}

async function keepDelivering(port: number, truth: Truth, until: number): Promise<void> {
  const wire = await connectRaw({ port, name: 'lmtp' })
  wire.send('LHLO client.example.org')
  await wire.linesUntil(/^250 /)
  while (performance.now() < until) {
    const token = truth.newToken()
    wire.send('MAIL FROM:<sender@example.org>', `RCPT TO:<${USER}>`, 'DATA')
    await wire.linesUntil(/^354 /)
    wire.send(`X-Token: ${token}`, `Subject: ${token}`, '', token, '.')
    await wire.expect(/^250 2\.0\.0 .* Saved$/)
    truth.delivered.add(token)
    await sleep(DELIVERY_MS)
  }
  wire.destroy()
}

/** All see the same now; everything acknowledged is there unless somebody was told that it went, and nothing else is. */
async function settle(clients: readonly StressClient[], mailbox: MailboxTruth, truth: Truth): Promise<void> {
  // Twice: the first look of one may be news for another.
  for (const client of clients) await client.noop()
  const views: (readonly string[])[] = []
  for (const client of clients) views.push(await client.settle(mailbox.name))
  for (const view of views) assert.deepEqual(view, views[0], `${mailbox.name}: all see the same`)
  const there = new Map((views[0] ?? []).map((line) => [Number(line.split(' ')[0]), line.split(' ').at(-1) ?? '']))
  for (const [uid, token] of there) {
    mailbox.holds(uid, token)
    assert.ok(!mailbox.gone.has(uid), `${mailbox.name}: UID ${uid} is there, though somebody was told that it went`)
  }
  const lost = [...mailbox.tokens].filter(([uid]) => !there.has(uid) && !mailbox.gone.has(uid))
  assert.ok(lost.length <= mailbox.unknownGone, `${mailbox.name}: lost ${lost.map(String).join('; ')}`)
  if (mailbox.name === 'INBOX') settleDeliveries(mailbox, truth)
}

/** Each delivery has got one UID. Those that went before anybody asked for their UID cannot be counted. */
function settleDeliveries(mailbox: MailboxTruth, { delivered }: Truth): void {
  const known = new Set(mailbox.tokens.values())
  const lost = [...delivered].filter((token) => !known.has(token))
  assert.ok(lost.length <= mailbox.unknownGone, `lost deliveries: ${lost.join(' ')}`)
}
