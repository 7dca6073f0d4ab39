import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ledger } from './ledger.ts'
import { OurProcess } from './ours.ts'
import type { NewTestMessage } from './session.ts'

/** Messages move from the first to the second and are copied to the third. */
const [INBOX, SAVED, COPIES] = ['INBOX', 'Saved', 'Copies'] as const
/** A process is killed at some time within this, of its life or of its second deed. */
const LIFE_MS = 60

export interface CrashResult {
  readonly kills: number
  readonly acknowledged: number
}

/**
 * Kills a process that appends, copies, moves, flags and expunges, again and again, and looks at the Maildir with the next
 * one. Throws when an acknowledged message is lost or any is doubled, or a UID is given twice.
 */
export async function runCrashes(root: string, rounds: number, random: () => number): Promise<CrashResult> {
  mkdirSync(root)
  const ledgers = { inbox: new Ledger(INBOX), saved: new Ledger(SAVED), copies: new Ledger(COPIES) }
  let acknowledged = 0
  for (let round = 0; round <= rounds; round++) {
    const process = new OurProcess(root, undefined)
    if (round === 0) for (const name of [INBOX, SAVED, COPIES]) await process.call('create', name)
    await look(process, ledgers)
    if (round < rounds) acknowledged += await workUntilKilled(process, ledgers, round, random)
    await process.kill()
  }
  return { kills: rounds, acknowledged }
}

interface Ledgers {
  readonly inbox: Ledger
  readonly saved: Ledger
  readonly copies: Ledger
}

/** Everything that was acknowledged is there, once. */
async function look(process: OurProcess, { inbox, saved, copies }: Ledgers): Promise<void> {
  for (const [name, ledger] of [
    [INBOX, inbox],
    [SAVED, saved],
    [COPIES, copies],
  ] as const) {
    const snapshot = await process.call('mailbox', name)
    ledger.observe(snapshot)
    ledger.settle(snapshot)
  }
}

async function workUntilKilled(
  process: OurProcess,
  ledgers: Ledgers,
  round: number,
  random: () => number,
): Promise<number> {
  const begun = Promise.withResolvers<void>()
  // Every other process does something at least, however slow the machine is.
  if (round % 2 === 1) begun.resolve()
  const killed = begun.promise.then(() => sleep(random() * LIFE_MS)).then(() => process.kill())
  let done = 0
  try {
    for (;;) {
      await workOnce(process, ledgers, `${round}-${done}`, random())
      done++
      begun.resolve()
    }
  } catch (error) {
    if (!/the process ended|EPIPE|ERR_IPC|channel closed/i.test(String(error))) throw error
  }
  await killed
  return done
}

async function workOnce(
  process: OurProcess,
  { inbox, saved, copies }: Ledgers,
  id: string,
  dice: number,
): Promise<void> {
  const living = inbox.living
  const uid = living[Math.floor(dice * 997) % Math.max(living.length, 1)]
  if (uid === undefined || dice < 0.4) {
    const messages = newMessages(id, dice)
    const uids = await process.call('append', INBOX, messages)
    for (const [index, { subject }] of messages.entries()) inbox.seen(uids[index] ?? 0, subject, true)
    return
  }
  const subject = inbox.subjectOf(uid)
  if (dice < 0.6) {
    if (await process.call('addKeyword', INBOX, uid, '$Mark')) inbox.keyword(uid, '$Mark')
  } else if (dice < 0.7) {
    inbox.doom(uid)
    await process.call('expunge', INBOX, [uid])
  } else if (dice < 0.85) {
    if (copies.knows(subject)) return
    copies.expect(subject)
    const [copy] = await process.call('copy', INBOX, [uid], COPIES)
    if (copy !== undefined) copies.seen(copy, subject, true)
  } else {
    if (saved.knows(subject)) return
    saved.expect(subject)
    inbox.doom(uid)
    const [moved] = await process.call('move', INBOX, [uid], SAVED)
    if (moved !== undefined) saved.seen(moved, subject, true)
  }
}

function newMessages(id: string, dice: number): NewTestMessage[] {
  const count = dice < 0.1 ? 5 : 1
  return Array.from({ length: count }, (_, index) => ({
    subject: `message ${id}-${index}`,
    bits: index % 2 === 0 ? 8 : 0,
    keywords: dice > 0.3 ? ['$Kept'] : [],
  }))
}
