import type { Mailbox } from '../../../storage/store.ts'
import { SEEN } from '../../../storage/flags.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { parseModSeq } from '../wire/mod-seq.ts'
import { LARGEST_NUMBER, parseSequenceSet, type SequenceSet } from '../wire/sequence-set.ts'
import { BadCommand } from '../server/bad-command.ts'
import { closeSelected } from '../server/close-selected.ts'
import { command } from '../server/command.ts'
import type { Reply } from '../server/command.ts'
import { sayHighestModSeq } from '../server/condstore.ts'
import { sayKeywords } from '../server/flag-text.ts'
import { mailboxName } from '../server/mailbox-argument.ts'
import { selectElsewhere } from '../server/remote/selecting.ts'
import { sayMissedChanges } from '../server/resynchronise.ts'
import type { ImapSession, Selected } from '../server/session.ts'
import { Turn } from '../server/turn.ts'

/** SELECT. RFC 3501 §6.3.1; CONDSTORE and QRESYNC from RFC 7162. */
export const select = selecting('SELECT')
/** EXAMINE: the same, and nothing can be changed. RFC 3501 §6.3.2. */
export const examine = selecting('EXAMINE')

/** What the client last knew of the mailbox. RFC 7162 §3.2.5. */
export interface Known {
  readonly uidValidity: number
  readonly modSeq: number
  readonly uids: SequenceSet | undefined
  /** Numbers and UIDs of some of its messages, in pairs. */
  readonly sample: readonly (readonly [number: number, uid: number])[]
}

interface SelectArgs {
  readonly name: string
  readonly options: readonly Argument[]
}

function selecting(name: 'SELECT' | 'EXAMINE') {
  return command<SelectArgs>({
    name,
    needs: 'authenticated',
    parse: (args) => ({ name: args.expectAstring(), options: args.list() ?? [] }),
    async run(session, args, { tag }) {
      // Also when it comes to nothing: RFC 3501 §6.3.1, and CLOSED is said before why.
      await closeSelected(session, { say: true })
      if (session.remote !== undefined) {
        const { options } = args
        const selecting = { command: name, tag, name: mailboxName(session, args.name), options }
        const elsewhere = await selectElsewhere(session.remote, selecting)
        if (elsewhere !== undefined) return elsewhere
      }
      const options = parseOptions(session, args.options)
      const examined = name === 'EXAMINE'
      const mailbox = await session.store.open(mailboxName(session, args.name), examined ? 'read-only' : 'read-write')
      const selected: Selected = { mailbox, examined, keywordCount: 0 }
      session.selected = selected
      if (options.condstore) session.condstore = true
      return await describe(session, selected, options.known, name)
    },
  })
}

interface SelectOptions {
  readonly condstore: boolean
  readonly known: Known | undefined
}

/** RFC 4466 §2.1. */
function parseOptions(session: ImapSession, items: readonly Argument[]): SelectOptions {
  let condstore = false
  let known: Known | undefined
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    const name = item?.kind === 'atom' ? item.text.toUpperCase() : ''
    if (name === '') throw new BadCommand('SELECT options contain non-atoms')
    if (name === 'CONDSTORE') condstore = true
    else if (name === 'QRESYNC') {
      known = parseKnown(session, items[++i])
      condstore = true
    } else throw new BadCommand('Unknown FETCH modifier')
  }
  return { condstore, known }
}

/** `(UIDVALIDITY MODSEQ [UIDS [(NUMBERS UIDS)]])`. */
function parseKnown(session: ImapSession, argument: Argument | undefined): Known {
  if (argument?.kind !== 'list') throw new BadCommand('QRESYNC parameters missing')
  if (!session.qresync) throw new BadCommand('QRESYNC not enabled')
  const [validity, modSeq, third, fourth] = argument.items
  const uidValidity = number(validity)
  const since = modSeq?.kind === 'atom' ? parseModSeq(modSeq.text) : undefined
  if (uidValidity === undefined || uidValidity > LARGEST_NUMBER || since === undefined)
    throw new BadCommand('Invalid QRESYNC parameters')
  // `*` stands for nothing here. RFC 7162 §7.
  const uids = third?.kind === 'atom' && !third.text.includes('*') ? parseSequenceSet(third.text) : undefined
  if (third?.kind === 'atom' && uids === undefined) throw new BadCommand('Invalid QRESYNC known-uids')
  const pairs = third?.kind === 'list' ? third : fourth
  return { uidValidity, modSeq: since, uids, sample: pairs?.kind === 'list' ? parseSample(pairs.items) : [] }
}

function parseSample(items: readonly Argument[]): Known['sample'] {
  const [numbers, uids] = items
  const left = numbers?.kind === 'atom' ? parseSequenceSet(numbers.text) : undefined
  const right = uids?.kind === 'atom' ? parseSequenceSet(uids.text) : undefined
  if (left === undefined || right === undefined) throw new BadCommand('Invalid QRESYNC seq match data')
  const flat = expand(right)
  return expand(left)
    .map((one, i) => [one, flat[i] ?? 0] as const)
    .filter(([, uid]) => uid > 0)
}

/** The numbers of a set, as many as a client can reasonably have picked. */
function expand(set: SequenceSet): number[] {
  const numbers: number[] = []
  for (const [first, last] of set) {
    for (let one = first; one <= last && numbers.length < SAMPLE_LIMIT; one++) numbers.push(one)
  }
  return numbers
}

const SAMPLE_LIMIT = 100_000

function number(argument: Argument | undefined): number | undefined {
  return argument?.kind === 'atom' && /^\d{1,10}$/.test(argument.text) ? Number(argument.text) : undefined
}

async function describe(
  session: ImapSession,
  selected: Selected,
  known: Known | undefined,
  name: 'SELECT' | 'EXAMINE',
): Promise<Reply> {
  const { out } = session
  const { mailbox } = selected
  sayKeywords(session, selected)
  out.text(`* ${mailbox.count} EXISTS\r\n* ${mailbox.recent} RECENT\r\n`)
  const unseen = await firstUnseen(mailbox)
  if (unseen > 0) out.text(`* OK [UNSEEN ${unseen}] First unseen.\r\n`)
  out.text(`* OK [UIDVALIDITY ${mailbox.uidValidity}] UIDs valid\r\n`)
  out.text(`* OK [UIDNEXT ${mailbox.uidNext}] Predicted next UID\r\n`)
  sayHighestModSeq(session)
  if (known !== undefined && known.uidValidity === mailbox.uidValidity) await sayMissedChanges(session, known)
  const readOnly = selected.examined || mailbox.readOnly
  return { text: `OK [READ-${readOnly ? 'ONLY' : 'WRITE'}] ${name === 'SELECT' ? 'Select' : 'Examine'} completed` }
}

async function firstUnseen(mailbox: Mailbox): Promise<number> {
  const turn = new Turn()
  for (let number = 1; number <= mailbox.count; number++) {
    if ((mailbox.message(number).flags.bits & SEEN) === 0) return number
    if (turn.over) await turn.next()
  }
  return 0
}
