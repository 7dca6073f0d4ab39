import { DELETED, type FlagChange } from '../../../storage/flags.ts'
import type { Mailbox } from '../../../storage/store.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { parseModSeq } from '../wire/mod-seq.ts'
import { writeSequenceSet } from '../wire/sequence-set.ts'
import { BadCommand } from '../server/bad-command.ts'
import type { Arguments } from '../server/arguments.ts'
import { command, type Reply } from '../server/command.ts'
import { enableCondstore } from '../server/condstore.ts'
import { parseFlags } from '../server/flag-argument.ts'
import { messageNumbers, parseMessageSet, uidsOf } from '../server/message-set.ts'
import type { ImapSession } from '../server/session.ts'

interface StoreArgs {
  readonly set: Argument | undefined
  readonly unchangedSince: number | undefined
  readonly change: FlagChange
  readonly silent: boolean
}

/** STORE and UID STORE. RFC 3501 §6.4.6; UNCHANGEDSINCE from RFC 7162 §3.1.3. */
export const store = command<StoreArgs>({
  name: 'STORE',
  needs: 'selected',
  uid: 'also',
  parse: parseStore,
  async run(session, { set, unchangedSince, change, silent }, call) {
    const { mailbox, selected } = session
    const numbers = messageNumbers(mailbox, parseMessageSet(set, call.uid), call.uid)
    if (selected?.examined === true) return { text: 'OK Store ignored with read-only mailbox' }
    // Whoever may change nothing is not nagged for it either.
    if (mailbox.readOnly) return conclude(mailbox, call.uid, [])
    if (unchangedSince !== undefined) enableCondstore(session)
    const uids = uidsOf(mailbox, numbers)
    const before = silent && session.condstore ? modSeqs(mailbox, uids) : undefined
    if (change.mode !== 'remove' && (change.bits & DELETED) !== 0) session.counts.deleted += undeleted(mailbox, uids)
    const condition = unchangedSince === undefined ? {} : { unchangedSince }
    const { modified } = await mailbox.store(uids, change, { silent, ...condition })
    if (before !== undefined) sayModSeqs(session, before, call.uid)
    return conclude(mailbox, call.uid, modified)
  },
})

function parseStore(args: Arguments): StoreArgs {
  const set = args.next()
  const modifiers = args.list()
  const unchangedSince = modifiers === undefined ? undefined : parseModifiers(modifiers)
  const item = args.atom()?.toUpperCase()
  const mode = item === undefined ? undefined : MODES.get(item.replace(/\.SILENT$/, ''))
  if (set === undefined || item === undefined || mode === undefined) throw new BadCommand('Invalid arguments')
  const flags = parseFlags(args.list() ?? args.rest())
  return { set, unchangedSince, change: { mode, ...flags }, silent: item.endsWith('.SILENT') }
}

const MODES: ReadonlyMap<string, FlagChange['mode']> = new Map([
  ['FLAGS', 'replace'],
  ['+FLAGS', 'add'],
  ['-FLAGS', 'remove'],
])

/** The smallest of several counts. */
function parseModifiers(items: readonly Argument[]): number | undefined {
  let unchangedSince: number | undefined
  for (let at = 0; at < items.length; at += 2) {
    const [name, value] = [items[at], items[at + 1]]
    if (name?.kind !== 'atom' || value === undefined || value.kind === 'list')
      throw new BadCommand('Invalid STORE modifiers')
    if (name.text.toUpperCase() !== 'UNCHANGEDSINCE') throw new BadCommand('Unknown STORE modifier')
    const modSeq = parseModSeq(value.text)
    if (modSeq === undefined) throw new BadCommand('Invalid modseq')
    unchangedSince = Math.min(unchangedSince ?? modSeq, modSeq)
  }
  return unchangedSince
}

function modSeqs(mailbox: Mailbox, uids: readonly number[]): ReadonlyMap<number, number> {
  return new Map(uids.map((uid) => [uid, mailbox.message(mailbox.sequenceOf(uid)).modSeq]))
}

/** Who said .SILENT knows the flags, but not the new MODSEQ. RFC 7162 §3.1.3. */
function sayModSeqs({ out, mailbox, qresync }: ImapSession, before: ReadonlyMap<number, number>, uid: boolean): void {
  for (const [one, modSeq] of before) {
    const number = mailbox.sequenceOf(one)
    const message = mailbox.message(number)
    if (message.modSeq === modSeq || message.expunged) continue
    out.text(`* ${number} FETCH (${uid || qresync ? `UID ${one} ` : ''}MODSEQ (${message.modSeq}))\r\n`)
  }
}

function undeleted(mailbox: Mailbox, uids: readonly number[]): number {
  return uids.filter((uid) => (mailbox.message(mailbox.sequenceOf(uid)).flags.bits & DELETED) === 0).length
}

function conclude(mailbox: Mailbox, uid: boolean, modified: readonly number[]): Reply {
  const sync = { expunge: uid, uid }
  if (modified.length === 0) return { text: 'OK Store completed', sync }
  const failed = uid ? modified : modified.map((one) => mailbox.sequenceOf(one))
  return { text: `OK [MODIFIED ${writeSequenceSet(failed.toSorted((a, b) => a - b))}] Conditional store failed`, sync }
}
