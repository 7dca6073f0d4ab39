import { SEEN } from '../../../../storage/flags.ts'
import type { MessageSummary } from '../../../../storage/message/message-summary.ts'
import { StoreRefusal } from '../../../../storage/refusal.ts'
import type { Mailbox, MessageRecord } from '../../../../storage/store.ts'
import { assertNever } from '../../../../util/assert-never.ts'
import { flagsOf } from '../../server/flag-text.ts'
import type { NumberRanges } from '../../server/message-set.ts'
import type { ImapSession } from '../../server/session.ts'
import { Turn } from '../../server/turn.ts'
import { writeDateTime } from '../../wire/date-time.ts'
import { OpenMessage } from './open-message.ts'
import type { FetchPlan, PlainKind } from './plan.ts'
import { saySection } from './say-section.ts'

/** How a FETCH ended: some messages may have been gone, or could not be read. */
export type FetchOutcome = 'complete' | 'expunged' | 'failed'

/** What is known of a batch of messages before they are said. */
interface Known {
  readonly summaries: ReadonlyMap<number, MessageSummary>
  readonly sizes: ReadonlyMap<number, number>
  readonly dates: ReadonlyMap<number, number>
  /** UIDs that are \Seen because of this FETCH. */
  readonly newlySeen: ReadonlySet<number>
}

/** One FETCH: says messages one after the other, at the pace the client takes them. */
export class FetchRun {
  readonly #session: ImapSession
  readonly #mailbox: Mailbox
  readonly #plan: FetchPlan
  readonly #turn = new Turn()
  #outcome: FetchOutcome = 'complete'

  constructor(session: ImapSession, plan: FetchPlan) {
    this.#session = session
    this.#mailbox = session.mailbox
    this.#plan = plan
  }

  async all(ranges: NumberRanges): Promise<FetchOutcome> {
    const { sections, needsSummary, needsSize, needsDate } = this.#plan
    const ready = sections.length === 0 && !needsSummary && !needsSize && !needsDate
    for (const [first, last] of ranges) {
      if (ready) await this.#sayAtHand(first, last)
      else for (let from = first; from <= last; from += BATCH) await this.#batch(from, Math.min(last, from + BATCH - 1))
    }
    return this.#outcome
  }

  /** Nothing has to be looked up. */
  async #sayAtHand(first: number, last: number): Promise<void> {
    const { out } = this.#session
    for (let number = first; number <= last; number++) {
      const message = this.#mailbox.message(number)
      if (!this.#wanted(message)) continue
      out.text(`* ${number} FETCH (${this.#plain(message, NOTHING_KNOWN)})\r\n`)
      if (out.full || this.#turn.over) await this.#pause()
    }
  }

  async #batch(first: number, last: number): Promise<void> {
    const numbers: number[] = []
    const uids: number[] = []
    for (let number = first; number <= last; number++) {
      const message = this.#mailbox.message(number)
      if (!this.#wanted(message)) continue
      if (message.expunged) {
        this.#miss()
        continue
      }
      numbers.push(number)
      uids.push(message.uid)
    }
    if (uids.length === 0) return
    const known = await this.#lookUp(uids)
    for (const number of numbers) await this.#sayMessage(number, known)
  }

  async #lookUp(uids: readonly number[]): Promise<Known> {
    const { needsSummary, needsSize, needsDate, marksSeen } = this.#plan
    const summaries = new Map<number, MessageSummary>()
    if (needsSummary) {
      for await (const some of this.#mailbox.summaries(uids)) for (const [uid, one] of some) summaries.set(uid, one)
    }
    return {
      summaries,
      sizes: needsSize && !needsSummary ? await this.#mailbox.sizes(uids) : NO_NUMBERS,
      dates: needsDate ? await this.#mailbox.internalDates(uids) : NO_NUMBERS,
      newlySeen: marksSeen ? await this.#markSeen(uids) : NO_UIDS,
    }
  }

  async #markSeen(uids: readonly number[]): Promise<ReadonlySet<number>> {
    const mailbox = this.#mailbox
    const unseen = uids.filter((uid) => (mailbox.message(mailbox.sequenceOf(uid)).flags.bits & SEEN) === 0)
    if (unseen.length === 0) return NO_UIDS
    await mailbox.store(unseen, { mode: 'add', bits: SEEN, keywords: [] }, { silent: true })
    return new Set(unseen)
  }

  async #sayMessage(number: number, known: Known): Promise<void> {
    const { out } = this.#session
    const { sections, needsSummary } = this.#plan
    const message = this.#mailbox.message(number)
    if (message.expunged || (needsSummary && !known.summaries.has(message.uid))) return this.#miss()
    const open = sections.length === 0 ? undefined : await this.#open(message.uid, known)
    if (sections.length > 0 && open === undefined) return
    try {
      out.text(`* ${number} FETCH (${this.#plain(message, known)}`)
      let blank = this.#plan.plain.length > 0 || known.newlySeen.has(message.uid)
      for (const item of sections) {
        if (blank) out.text(' ')
        blank = true
        if (open !== undefined) await saySection(this.#session, open, item.label, item.section)
      }
      out.text(')\r\n')
    } finally {
      open?.close()
    }
    if (out.full || this.#turn.overNow) await this.#pause()
  }

  /** Undefined when it cannot be read; that is noted. */
  async #open(uid: number, known: Known): Promise<OpenMessage | undefined> {
    try {
      return await OpenMessage.open(this.#mailbox, uid, known.summaries.get(uid))
    } catch (error) {
      if (error instanceof StoreRefusal && error.code === 'expunged') this.#miss()
      else if (this.#session.mail.settings.imap_fetch_failure === 'disconnect-immediately') throw error
      else this.#fail(uid, error)
      return undefined
    }
  }

  #plain(message: MessageRecord, known: Known): string {
    let text = ''
    for (const kind of this.#plan.plain) {
      if (text !== '') text += ' '
      text += this.#item(kind, message, known)
    }
    if (!this.#plan.flags && known.newlySeen.has(message.uid))
      text = withFlags(text, this.#plan, flagsOf(this.#mailbox, message))
    return text
  }

  #item(kind: PlainKind, message: MessageRecord, known: Known): string {
    const { uid } = message
    switch (kind) {
      case 'flags':
        return `FLAGS (${flagsOf(this.#mailbox, message)})`
      case 'uid':
        return `UID ${uid}`
      case 'modseq':
        return `MODSEQ (${message.modSeq})`
      case 'internaldate':
        return `INTERNALDATE "${writeDateTime(known.dates.get(uid) ?? 0)}"`
      case 'size':
        return `RFC822.SIZE ${known.sizes.get(uid) ?? known.summaries.get(uid)?.sizeVirtual ?? 0}`
      case 'envelope':
        return `ENVELOPE ${latin1(known.summaries.get(uid)?.envelope)}`
      case 'body':
        return `BODY ${latin1(known.summaries.get(uid)?.body)}`
      case 'bodystructure':
        return `BODYSTRUCTURE ${latin1(known.summaries.get(uid)?.bodyStructure)}`
      default:
        return assertNever(kind)
    }
  }

  #wanted({ modSeq }: MessageRecord): boolean {
    const { changedSince } = this.#plan
    return changedSince === undefined || modSeq > changedSince
  }

  async #pause(): Promise<void> {
    if (this.#session.out.full) await this.#session.out.drained()
    if (this.#turn.overNow) await this.#turn.next()
    this.#session.checkAlive()
  }

  #miss(): void {
    if (this.#outcome === 'complete') this.#outcome = 'expunged'
  }

  #fail(uid: number, error: unknown): void {
    this.#outcome = 'failed'
    this.#session.mail.log('error', `Mailbox ${this.#mailbox.name}: UID=${uid}: ${String(error)}`)
  }
}

/** Messages whose summaries are held at once. */
const BATCH = 256
const NO_UIDS: ReadonlySet<number> = new Set()
const NO_NUMBERS: ReadonlyMap<number, number> = new Map()
const NOTHING_KNOWN: Known = { summaries: new Map(), sizes: NO_NUMBERS, dates: NO_NUMBERS, newlySeen: NO_UIDS }

function latin1(bytes: Buffer | undefined): string {
  return bytes === undefined ? 'NIL' : bytes.toString('latin1')
}

/** FLAGS nobody asked for stand behind what is at hand and before what is read. */
function withFlags(text: string, { plain }: FetchPlan, flags: string): string {
  const item = `FLAGS (${flags})`
  if (text === '') return item
  const late = LATE.filter(([kind]) => plain.includes(kind)).map(([, word]) => text.indexOf(word))
  const at = Math.min(...late)
  if (late.length === 0 || at < 0) return `${text} ${item}`
  return at === 0 ? `${item} ${text}` : `${text.slice(0, at)}${item} ${text.slice(at)}`
}

const LATE: readonly (readonly [PlainKind, string])[] = [
  ['envelope', 'ENVELOPE '],
  ['body', 'BODY ('],
  ['bodystructure', 'BODYSTRUCTURE '],
]
