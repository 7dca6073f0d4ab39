import assert from 'node:assert/strict'
import { chownSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ledger } from './ledger.ts'
import { mailUser, OurProcess } from './ours.ts'
import { startSharedMaildir } from './shared-maildir.ts'
import { ImapSession } from './theirs.ts'

/** Both have it open all the time. */
const MAILBOXES = ['INBOX', 'Other'] as const
/** Everybody does so much, however slow the machine is. */
const LEAST_DEEDS = 15
const LEAST_DELIVERIES = 25

/** Somebody who works on the mailboxes. */
interface Actor {
  readonly name: string
  append(mailbox: string, subject: string): Promise<number>
  addKeyword(mailbox: string, uid: number, keyword: string): Promise<boolean>
  expunge(mailbox: string, uid: number): Promise<void>
  observe(mailbox: string): Promise<Parameters<Ledger['observe']>[0]>
}

export interface SideBySideResult {
  readonly operations: number
  readonly messages: number
}

/**
 * Two processes of ours, two sessions of Dovecot and a delivery agent work on two mailboxes at the same time. Throws when a
 * message is lost or doubled, a UID is given twice or changes, or a keyword that was set is gone.
 */
export async function runSideBySide(durationMs: number, random: () => number): Promise<SideBySideResult> {
  const { dovecot, port, root } = await startSharedMaildir()
  const stops: (() => Promise<void> | void)[] = [() => dovecot.stop()]
  try {
    const first = await ImapSession.open(port, 'joe', 'secret')
    stops.unshift(() => first.close())
    await first.run('CREATE Other')
    const ours = [1, 2].map(() => new OurProcess(root, mailUser()))
    for (const process of ours) stops.unshift(() => process.kill())
    const actors = [...ours.map((process, index) => actorOf(process, index)), theirActor(first, 'theirs-1')]
    const second = await ImapSession.open(port, 'joe', 'secret')
    stops.unshift(() => second.close())
    actors.push(theirActor(second, 'theirs-2'))

    const ledgers = new Map(MAILBOXES.map((name) => [name, new Ledger(name)]))
    const until = Date.now() + durationMs
    const counts = await Promise.all([
      ...actors.map((actor) => act(actor, ledgers, until, random)),
      deliver(root, until, random),
    ])
    await settle(ours[0] as OurProcess, port, ledgers)
    for (const process of ours) assert.deepEqual(process.complaints, [], 'we have nothing to complain of')
    const complaints = dovecot.logLines.filter((line) => /: (Warning|Error|Panic|Fatal): /.test(line))
    assert.deepEqual(complaints, [], 'Dovecot has nothing to complain of')
    return {
      operations: counts.reduce((sum, count) => sum + count, 0),
      messages: [...ledgers.values()].reduce((sum, { size }) => sum + size, 0),
    }
  } finally {
    for (const stop of stops) await stop()
  }
}

async function act(
  actor: Actor,
  ledgers: ReadonlyMap<string, Ledger>,
  until: number,
  random: () => number,
): Promise<number> {
  let count = 0
  for (; Date.now() < until || count < LEAST_DEEDS; count++) {
    const mailbox = MAILBOXES[Math.floor(random() * MAILBOXES.length)] ?? 'INBOX'
    const ledger = ledgers.get(mailbox) as Ledger
    const living = ledger.living
    const uid = living[Math.floor(random() * living.length)]
    const dice = random()
    if (uid === undefined || dice < 0.35) {
      const subject = `${actor.name} ${count}`
      ledger.seen(await actor.append(mailbox, subject), subject, true)
    } else if (dice < 0.7) {
      const keyword = `$${actor.name}`
      if (await actor.addKeyword(mailbox, uid, keyword)) ledger.keyword(uid, keyword)
    } else if (dice < 0.85) {
      ledger.doom(uid)
      await actor.expunge(mailbox, uid)
    } else {
      ledger.observe(await actor.observe(mailbox))
    }
  }
  return count
}

/** Writes into `tmp` and moves to `new`, knowing nothing of locks. */
async function deliver(root: string, until: number, random: () => number): Promise<number> {
  const user = mailUser()
  let count = 0
  for (; Date.now() < until || count < LEAST_DELIVERIES; count++) {
    const name = `${Math.floor(Date.now() / 1000)}.M${count}P1.elsewhere`
    writeFileSync(`${root}/tmp/${name}`, `Subject: delivered ${count}\n\nHello.\n`, { mode: 0o600 })
    if (user !== undefined) chownSync(`${root}/tmp/${name}`, user.uid, user.gid)
    renameSync(`${root}/tmp/${name}`, `${root}/new/${name}`)
    await sleep(random() * 60)
  }
  return count
}

/** Everybody has stopped: both see the same, and what they were told. */
async function settle(ours: OurProcess, port: number, ledgers: ReadonlyMap<string, Ledger>): Promise<void> {
  const fresh = await ImapSession.open(port, 'joe', 'secret')
  try {
    for (const [name, ledger] of ledgers) {
      const mine = await ours.call('mailbox', name)
      assert.deepEqual(mine, await fresh.mailbox(name), `${name} is the same to both`)
      ledger.observe(mine)
      ledger.settle(mine)
    }
  } finally {
    fresh.close()
  }
}

function actorOf(process: OurProcess, index: number): Actor {
  return {
    name: `ours-${index}`,
    async append(mailbox, subject) {
      const [uid] = await process.call('append', mailbox, [{ subject, bits: 0, keywords: [] }])
      return uid ?? 0
    },
    addKeyword: (mailbox, uid, keyword) => process.call('addKeyword', mailbox, uid, keyword),
    async expunge(mailbox, uid) {
      await process.call('expunge', mailbox, [uid])
    },
    observe: (mailbox) => process.call('mailbox', mailbox),
  }
}

function theirActor(session: ImapSession, name: string): Actor {
  let selected = ''
  const select = async (mailbox: string): Promise<void> => {
    if (selected !== mailbox) await session.run(`SELECT ${mailbox}`)
    selected = mailbox
  }
  return {
    name,
    append: (mailbox, subject) => session.append(mailbox, subject, []),
    async addKeyword(mailbox, uid, keyword) {
      await select(mailbox)
      await session.attempt('NOOP')
      const { status, lines } = await session.attempt(`UID STORE ${uid} +FLAGS (${keyword})`)
      return status.startsWith('OK') && lines.some((line) => line.includes(`UID ${uid} `) && line.includes(keyword))
    },
    async expunge(mailbox, uid) {
      await select(mailbox)
      await session.attempt(`UID STORE ${uid} +FLAGS (\\Deleted)`)
      await session.attempt(`UID EXPUNGE ${uid}`)
    },
    async observe(mailbox) {
      selected = ''
      return session.mailbox(mailbox)
    },
  }
}
