import { PASSWORD } from '../peers/local-mail.ts'
import type { Ledger } from '../maildir/ledger.ts'
import { connectRaw } from '../support/raw-client.ts'
import { ImapWire } from '../stress/imap-wire.ts'

export const USER = 'joe'
/** Messages move from the first to the second and are copied to the third. */
export const MAILBOXES = ['INBOX', 'Saved', 'Copies'] as const

/** A new process begins for the first delivery behind a death; a busy machine takes its time. */
const REPLY_MS = 60_000

export interface Ledgers {
  readonly inbox: Ledger
  readonly saved: Ledger
  readonly copies: Ledger
}

/** What one life of a server did. */
export interface Life {
  readonly round: number
  readonly random: () => number
  /** Subjects of deliveries that were acknowledged. */
  readonly delivered: Set<string>
  /** Subjects that were on their way from the first mailbox to the second. */
  readonly moving: Set<string>
  acknowledged: number
  /** Resolves with the first acknowledgement. */
  readonly begun: PromiseWithResolvers<void>
  /** Set once something was killed: who is served by the next process stops by itself. */
  over: boolean
}

/** Clients that work until the server dies: each ends when its connection does, or when it finds the life over. */
export function load(ports: Readonly<Record<string, number>>, ledgers: Ledgers, life: Life): Promise<unknown> {
  const imap = ports['imap'] ?? 0
  const works = [append, append, copy, move, expunge]
  return Promise.all([
    ...works.map((work, index) => untilEnd(() => session(imap, (wire) => work(wire, ledgers, life, index), life))),
    untilEnd(() => deliver(ports['lmtp'] ?? 0, life)),
  ])
}

function acknowledge(life: Life): void {
  life.acknowledged++
  life.begun.resolve()
}

async function untilEnd(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    // The server is meant to die; whatever else goes wrong is told.
    if (!/the connection ended|cannot connect|ECONNRE|EPIPE|no login/.test(String(error))) throw error
  }
}

async function session(port: number, work: (wire: ImapWire) => Promise<boolean>, life: Life): Promise<void> {
  const wire = await ImapWire.login(port, USER, PASSWORD)
  try {
    await wire.say('SELECT INBOX')
    while (!life.over) if (await work(wire)) acknowledge(life)
  } finally {
    wire.destroy()
  }
}

async function append(wire: ImapWire, { inbox }: Ledgers, life: Life, index: number): Promise<boolean> {
  const subject = `${life.round}-${index}-${life.acknowledged}-${life.random().toString(36).slice(2)}`
  const text = `Subject: ${subject}\r\n\r\nHello.\r\n`
  inbox.expect(subject)
  const lines = await wire.say(`APPEND INBOX (\\Seen) {${text.length}+}\r\n${text}`)
  const uid = /\[APPENDUID \d+ (\d+)\]/.exec(lines.at(-1) ?? '')?.[1]
  if (uid === undefined) throw new Error(`APPEND: ${lines.at(-1)}`)
  inbox.seen(Number(uid), subject, true)
  return true
}

async function copy(wire: ImapWire, { inbox, copies }: Ledgers, life: Life): Promise<boolean> {
  const uid = pick(inbox, life)
  const subject = inbox.subjectOf(uid)
  if (uid === 0 || copies.knows(subject)) return await pause(wire)
  copies.expect(subject)
  const copied = transferred(await wire.say(`UID COPY ${uid} Copies`))
  if (copied !== undefined) copies.seen(copied, subject, true)
  return copied !== undefined
}

async function move(wire: ImapWire, { inbox, saved }: Ledgers, life: Life): Promise<boolean> {
  const uid = pick(inbox, life)
  const subject = inbox.subjectOf(uid)
  if (uid === 0 || saved.knows(subject)) return await pause(wire)
  saved.expect(subject)
  inbox.doom(uid)
  life.moving.add(subject)
  const moved = transferred(await wire.say(`UID MOVE ${uid} Saved`))
  if (moved !== undefined) saved.seen(moved, subject, true)
  return moved !== undefined
}

async function expunge(wire: ImapWire, { inbox }: Ledgers, life: Life): Promise<boolean> {
  const uid = pick(inbox, life)
  if (uid === 0 || inbox.living.length < 10) return await pause(wire)
  inbox.doom(uid)
  await wire.say(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
  await wire.say(`UID EXPUNGE ${uid}`)
  return true
}

async function pause(wire: ImapWire): Promise<false> {
  await wire.say('NOOP')
  return false
}

/** A message nobody asked to remove; 0 when there is none. */
function pick({ living }: Ledger, { random }: Life): number {
  return living[Math.floor(random() * living.length)] ?? 0
}

function transferred(lines: readonly string[]): number | undefined {
  const uid = lines.map((line) => /\[COPYUID \d+ \d+ (\d+)\]/.exec(line)?.[1]).find((found) => found !== undefined)
  return uid === undefined ? undefined : Number(uid)
}

async function deliver(port: number, life: Life): Promise<void> {
  const wire = await connectRaw({ port, name: 'lmtp' })
  try {
    wire.send('LHLO client.example.org')
    await wire.linesUntil(/^250 /)
    for (let number = 0; !life.over; number++) {
      const subject = `${life.round}-lmtp-${number}-${life.random().toString(36).slice(2)}`
      wire.send('MAIL FROM:<sender@example.org>', `RCPT TO:<${USER}>`, 'DATA')
      // 451 when the process of the user died just now: nothing was promised.
      const begun = await wire.linesUntil(/^(354|4\d\d|5\d\d) /, REPLY_MS)
      if (!begun.at(-1)?.startsWith('354')) return
      wire.send(`Subject: ${subject}`, '', 'Hello.', '.')
      if (!(await wire.line(REPLY_MS)).startsWith('250 ')) return
      life.delivered.add(subject)
      acknowledge(life)
    }
  } finally {
    wire.destroy()
  }
}
