import type { Mailbox, MessageRecord, ViewChanges } from '../../../storage/store.ts'
import { writeSequenceSet } from '../wire/sequence-set.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { SessionOver } from './bad-command.ts'
import type { SyncAfter } from './command.ts'
import { flagsOf, sayKeywords } from './flag-text.ts'
import type { ImapSession, Selected } from './session.ts'
import { Turn } from './turn.ts'

/** Brings the selected mailbox up to date and tells the client what changed. RFC 3501 §7.3 and §7.4. */
export function syncMailbox(session: ImapSession, after: SyncAfter): void | Promise<void> {
  try {
    const done = bringUpToDate(session, after)
    return done instanceof Promise ? done.catch((error: unknown) => giveUp(session, error)) : done
  } catch (error) {
    giveUp(session, error)
  }
}

/**
 * A mailbox that was deleted or replaced under the client cannot be explained to it. What only does not work for now leaves the
 * view as it was, and is tried again behind the next command.
 */
function giveUp(session: ImapSession, error: unknown): void {
  if (!(error instanceof StoreRefusal)) throw error
  session.mail.log('warning', `Mailbox ${session.selected?.mailbox.name}: ${error.message}`)
  if (error.code === 'temporary') return
  // Who lost the right to read is told so.
  const why = error.code === 'no-permission' ? error.message : 'IMAP session state is inconsistent, please relogin.'
  session.out.text(`* BYE ${why}\r\n`)
  throw new SessionOver(why)
}

function bringUpToDate(session: ImapSession, { expunge, uid, look, safe }: SyncAfter): void | Promise<void> {
  const { selected } = session
  if (selected === undefined) return
  const delayed = safe !== true && session.mail.settings.imap_client_workarounds.includes('delay-newmail')
  const changes = selected.mailbox.sync({ expunge: expunge && !delayed, look: look ?? 'cached' })
  selected.delayNews = delayed
  const withUid = uid === true || session.qresync
  return changes instanceof Promise
    ? changes.then((found) => report(session, found, withUid))
    : report(session, changes, withUid)
}

/** Dovecot's order: flags, then what is gone, then what came. */
function report(session: ImapSession, changes: ViewChanges, withUid: boolean): void | Promise<void> {
  const { selected, out } = session
  if (selected === undefined) return
  const { mailbox } = selected
  if (mailbox.keywords.length > selected.keywordCount) sayKeywords(session, selected)
  if (changes.flags.length > LONG || changes.expunged.length > LONG)
    return reportMuch(session, selected, changes, withUid)
  const gone = goneNumbers(changes.expunged)
  if (changes.flags.length > 0)
    for (const line of flagLines(session, mailbox, changes.flags, gone, withUid)) out.text(line)
  for (const line of expungeLines(session, changes, gone)) out.text(line)
  sayCounts(session, selected, changes)
}

async function reportMuch(
  session: ImapSession,
  selected: Selected,
  changes: ViewChanges,
  withUid: boolean,
): Promise<void> {
  const turn = new Turn()
  const gone = goneNumbers(changes.expunged)
  for (const lines of [
    flagLines(session, selected.mailbox, changes.flags, gone, withUid),
    expungeLines(session, changes, gone),
  ]) {
    for (const line of lines) {
      session.out.text(line)
      if (session.out.full) await session.out.drained()
      if (turn.over) await turn.next()
    }
  }
  sayCounts(session, selected, changes)
}

/** With the workaround delay-newmail what came waits for a command that asks for news. */
function sayCounts({ out }: ImapSession, selected: Selected, changes: ViewChanges): void {
  const exists = changes.exists ?? selected.untold?.exists
  const recent = changes.recent ?? selected.untold?.recent
  selected.untold = selected.delayNews ? { exists, recent } : undefined
  if (selected.delayNews) return
  if (exists !== undefined) out.text(`* ${exists} EXISTS\r\n`)
  if (recent !== undefined) out.text(`* ${recent} RECENT\r\n`)
}

/** FETCH lines of messages whose flags changed, with the numbers they have before EXPUNGE is said. */
function* flagLines(
  session: ImapSession,
  mailbox: Mailbox,
  numbers: readonly number[],
  gone: readonly number[],
  withUid: boolean,
): Generator<string> {
  let before = 0
  for (const number of numbers) {
    while (before < gone.length && (gone[before] ?? 0) <= number + before) before++
    yield flagLine(session, mailbox, number + before, mailbox.message(number), withUid)
  }
}

/** `* 3 FETCH (UID 7 MODSEQ (5) FLAGS (\Seen))`, with what the client wants to know of it. */
function flagLine(
  { condstore }: ImapSession,
  mailbox: Mailbox,
  number: number,
  message: MessageRecord,
  withUid: boolean,
): string {
  const uid = withUid ? `UID ${message.uid} ` : ''
  const modSeq = condstore ? `MODSEQ (${message.modSeq}) ` : ''
  return `* ${number} FETCH (${uid}${modSeq}FLAGS (${flagsOf(mailbox, message)}))\r\n`
}

/** Highest number first, so that each is what it was before all of this; with QRESYNC one VANISHED. */
function* expungeLines(
  session: ImapSession,
  { expungedUids }: ViewChanges,
  gone: readonly number[],
): Generator<string> {
  if (session.qresync) {
    if (expungedUids.length === 0) return
    session.toldVanished = true
    yield `* VANISHED ${writeSequenceSet(expungedUids)}\r\n`
    return
  }
  for (let i = gone.length - 1; i >= 0; i--) yield `* ${gone[i]} EXPUNGE\r\n`
}

/** The numbers of expunged messages as they were before any of them was gone, ascending. Stores count from the end. */
function goneNumbers(expunged: readonly number[]): readonly number[] {
  return expunged.length < 2 ? expunged : expunged.toReversed()
}

/** More changes than this are said piece by piece. */
const LONG = 500
