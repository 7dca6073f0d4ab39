import { SEEN } from '../../../storage/flags.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { parseFetchItems } from '../wire/fetch-item.ts'
import { parseModSeq } from '../wire/mod-seq.ts'
import type { SequenceSet } from '../wire/sequence-set.ts'
import { BadCommand, SessionOver } from '../server/bad-command.ts'
import { command, type Invocation, type Reply } from '../server/command.ts'
import { enableCondstore } from '../server/condstore.ts'
import { sayKeywords } from '../server/flag-text.ts'
import { messageNumbers, type NumberRanges, parseMessageSet } from '../server/message-set.ts'
import type { ImapSession } from '../server/session.ts'
import { writeRanges } from '../wire/sequence-set.ts'
import { vanishedRanges } from '../server/vanished.ts'
import { type FetchPlan, makePlan } from './fetch/plan.ts'
import { type FetchOutcome, FetchRun } from './fetch/run.ts'

interface FetchArgs {
  readonly set: Argument | undefined
  readonly items: Argument | undefined
  readonly behind: readonly Argument[]
}

/** FETCH and UID FETCH. RFC 3501 §6.4.5; CHANGEDSINCE and VANISHED from RFC 7162. */
export const fetch = command<FetchArgs>({
  name: 'FETCH',
  needs: 'selected',
  uid: 'also',
  parse(args) {
    const [set, items, ...behind] = args.rest()
    const follows = behind[0]
    if (set?.kind !== 'atom' || items === undefined || items.kind === 'string' || (follows && follows.kind !== 'list'))
      throw new BadCommand('Invalid arguments')
    return { set, items, behind }
  },
  async run(session, { set, items, behind }, call) {
    const sequence = parseMessageSet(set, call.uid)
    const numbers = messageNumbers(session.mailbox, sequence, call.uid)
    const parsed = parseFetchItems(items, behind)
    if (parsed.error !== undefined) throw new BadCommand(parsed.error)
    const modifiers = parseModifiers(session, behind[parsed.used], call)
    const plan = makePlan(parsed.items, {
      uid: call.uid,
      changedSince: modifiers.changedSince,
      // Reading must work also for those who may not mark what they read.
      examined: session.selected?.examined === true || (session.mailbox.permanent.bits & SEEN) === 0,
    })
    if (plan.modSeq) enableCondstore(session)
    const { selected } = session
    // Nobody is to see a keyword before he was told of it.
    if (plan.flags && selected !== undefined && selected.mailbox.keywords.length > selected.keywordCount)
      sayKeywords(session, selected)
    if (modifiers.vanished) await sayVanished(session, sequence, modifiers.changedSince ?? 0)
    return conclude(session, call, await runFetch(session, plan, numbers), plan)
  },
})

/** A message that cannot be read may leave the client in the middle of a literal: nothing more can be said then. */
async function runFetch(session: ImapSession, plan: FetchPlan, numbers: NumberRanges): Promise<FetchOutcome> {
  try {
    return await new FetchRun(session, plan).all(numbers)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    session.mail.log('error', `Mailbox ${session.mailbox.name}: FETCH failed: ${error.message}`)
    throw new SessionOver('FETCH failed')
  }
}

async function sayVanished(session: ImapSession, set: SequenceSet, changedSince: number): Promise<void> {
  const gone = await vanishedRanges(session.mailbox, set, changedSince)
  if (gone.length > 0) session.out.text(`* VANISHED (EARLIER) ${writeRanges(gone)}\r\n`)
}

/** RFC 7162 §3.1.4 and §3.2.6. */
function parseModifiers(session: ImapSession, argument: Argument | undefined, { uid }: Invocation) {
  let changedSince: number | undefined
  let vanished = false
  const items = argument?.kind === 'list' ? argument.items : []
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (item?.kind !== 'atom') throw new BadCommand('FETCH modifiers contain non-atoms')
    const name = item.text.toUpperCase()
    if (name === 'CHANGEDSINCE') changedSince = modSeqValue(items[++i])
    else if (name === 'VANISHED' && uid) vanished = true
    else throw new BadCommand('Unknown FETCH modifier')
  }
  if (vanished && !session.qresync) throw new BadCommand('QRESYNC not enabled')
  if (vanished && changedSince === undefined) throw new BadCommand('VANISHED used without CHANGEDSINCE')
  return { changedSince, vanished }
}

function modSeqValue(argument: Argument | undefined): number {
  const modSeq = argument?.kind === 'atom' ? parseModSeq(argument.text) : undefined
  if (modSeq === undefined) throw new BadCommand('Invalid CHANGEDSINCE modseq')
  return modSeq
}

function conclude(session: ImapSession, { uid }: Invocation, outcome: FetchOutcome, plan: FetchPlan): Reply {
  const sync = { expunge: uid, uid: uid && plan.flags }
  switch (outcome) {
    case 'complete':
      return { text: 'OK Fetch completed', sync }
    case 'expunged':
      return { text: 'OK [EXPUNGEISSUED] Some messages were already expunged', sync }
    case 'failed':
      if (session.mail.settings.imap_fetch_failure === 'disconnect-after')
        session.over = 'FETCH failed for some messages'
      return { text: 'NO [SERVERBUG] Some messages could not be read', sync }
  }
}
