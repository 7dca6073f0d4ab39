import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS, within } from '../support/deadline.ts'
import { Ledger } from '../maildir/ledger.ts'
import type { MailboxSnapshot } from '../maildir/session.ts'
import { MailHomes, PASSWORD, startLocalMail } from '../peers/local-mail.ts'
import type { Started } from '../peers/started.ts'
import { ImapWire } from '../stress/imap-wire.ts'
import { removeTempDir } from '../support/temp-dir.ts'
import { type Ledgers, type Life, load, MAILBOXES, USER } from './load.ts'

/** The process that serves the mail is killed at some time within this after the clients came, or after one was served. */
const LIFE_MS = 400
/** Every so many rounds the whole server is killed instead. */
const WHOLE_SERVER = 10
const LOGIN_PAUSE_MS = 100
/** A life, a new server and a look at everything. */
const ROUND_MS = 90_000

export interface CrashResult {
  readonly kills: number
  readonly acknowledged: number
}

/**
 * Kills the process that serves a user's mail, again and again, while clients append, copy, move and expunge and LMTP delivers,
 * and looks at the mailboxes with the next one. Throws when an acknowledged message is lost or any is doubled, or a UID is given
 * twice.
 */
export async function runMailCrashes(
  rounds: number,
  random: () => number,
  tell: (round: number, acknowledged: number) => void = () => undefined,
): Promise<CrashResult> {
  const homes = new MailHomes([USER])
  const ledgers = { inbox: new Ledger('INBOX'), saved: new Ledger('Saved'), copies: new Ledger('Copies') }
  let server = await startLocalMail(homes)
  let acknowledged = 0
  try {
    await createMailboxes(server)
    for (let round = 0; round < rounds; round++) {
      const life = newLife(round, random)
      await within(ROUND_MS, () => `round ${round} does not end`, live(life))
      acknowledged += life.acknowledged
      tell(round, acknowledged)
    }
    return { kills: rounds, acknowledged }
  } catch (error) {
    throw new Error(`${String(error)}\n${server.logLines.slice(-40).join('\n')}`, { cause: error })
  } finally {
    await server.stop()
    removeTempDir(homes.dir)
  }

  async function live(life: Life): Promise<void> {
    const loaded = load(server.ports, ledgers, life)
    // Every other life ends when something was done, however slow the machine; the others while clients still come.
    if (life.round % 2 === 0) await Promise.race([life.begun.promise, loaded])
    await sleep(random() * LIFE_MS)
    const whole = life.round % WHOLE_SERVER === WHOLE_SERVER - 1
    if (whole) process.kill(-server.pid, 'SIGKILL')
    else await killMailProcess(server)
    // Whoever was still logging in has a new process by now.
    life.over = true
    await loaded
    if (whole) {
      await server.stop()
      server = await startLocalMail(homes)
    }
    await look(server, ledgers, life)
  }
}

function newLife(round: number, random: () => number): Life {
  const begun = Promise.withResolvers<void>()
  return { round, random, delivered: new Set(), moving: new Set(), acknowledged: 0, begun, over: false }
}

async function createMailboxes(server: Started): Promise<void> {
  const wire = await ImapWire.login(server.ports['imap'] ?? 0, USER, PASSWORD)
  for (const name of MAILBOXES) if (name !== 'INBOX') await wire.say(`CREATE ${name}`)
  wire.destroy()
}

/** The last login tells which it is. */
async function killMailProcess(server: Started): Promise<void> {
  await server.waitForLog(/ mpid=\d+/)
  const line = server.logLines.findLast((text) => / mpid=\d+/.test(text))
  try {
    process.kill(Number(/ mpid=(\d+)/.exec(line ?? '')?.[1]), 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Everything that was acknowledged is there, once. */
async function look(server: Started, { inbox, saved, copies }: Ledgers, { delivered, moving }: Life): Promise<void> {
  const wire = await logIn(server)
  const lost = new Set(moving)
  for (const [name, ledger] of [
    ['INBOX', inbox],
    ['Saved', saved],
    ['Copies', copies],
  ] as const) {
    const snapshot = await takeSnapshot(wire, name)
    ledger.observe(snapshot)
    ledger.settle(snapshot)
    const there = new Set(snapshot.messages.map(({ subject }) => subject))
    if (ledger !== copies) for (const subject of there) lost.delete(subject)
    if (ledger !== inbox) continue
    for (const subject of delivered) assert.ok(there.has(subject), `INBOX: delivery ${subject} is lost`)
  }
  assert.deepEqual([...lost], [], 'what was on its way is here or there')
  wire.destroy()
}

/** Who comes before the death of the process is known is asked to come again, or hung up on when that process had him already. */
async function logIn(server: Started): Promise<ImapWire> {
  const latest = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await ImapWire.login(server.ports['imap'] ?? 0, USER, PASSWORD)
    } catch (error) {
      if (performance.now() > latest || !/\[UNAVAILABLE\]|the connection ended/.test(String(error))) throw error
      await sleep(LOGIN_PAUSE_MS)
    }
  }
}

async function takeSnapshot(wire: ImapWire, name: string): Promise<MailboxSnapshot> {
  const selected = (await wire.say(`SELECT ${name}`)).join('\n')
  const numberIn = (code: string): number => Number(new RegExp(`\\[${code} (\\d+)\\]`).exec(selected)?.[1])
  const lines = await wire.say('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
  const messages = lines.flatMap((line) => {
    const uid = /^\* \d+ FETCH .*?\bUID (\d+)/s.exec(line)?.[1]
    const subject = /\bSubject: (\S+)/.exec(line)?.[1]
    const flags = /\bFLAGS \(([^)]*)\)/.exec(line)?.[1]?.split(' ') ?? []
    return uid === undefined || subject === undefined ? [] : [{ uid: Number(uid), flags, subject }]
  })
  return { uidValidity: numberIn('UIDVALIDITY'), uidNext: numberIn('UIDNEXT'), messages }
}
