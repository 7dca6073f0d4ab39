import { SEEN } from '../../../../storage/flags.ts'
import { type HeaderSummary, isWhole, type MessageSummary } from '../../../../storage/message/message-summary.ts'
import { StoreRefusal } from '../../../../storage/refusal.ts'
import { Scratch } from '../../../../storage/scratch.ts'
import type { Mailbox, MessageRecord } from '../../../../storage/store.ts'
import { assertNever } from '../../../../util/assert-never.ts'
import type { Soon } from '../../../../util/soon.ts'
import { flagsOf } from '../../server/flag-text.ts'
import type { NumberRanges } from '../../server/message-set.ts'
import type { ImapSession } from '../../server/session.ts'
import { Turn } from '../../server/turn.ts'
import { writeDateTime } from '../../wire/date-time.ts'
import { OpenMessage } from './open-message.ts'
import type { FetchPlan, FirstKind } from './plan.ts'
import { saySection } from './say-section.ts'

/** How a FETCH ended: some messages may have been gone, or could not be read. */
export type FetchOutcome = 'complete' | 'expunged' | 'failed'

/** What is known of a batch of messages before they are said. */
interface Known {
  readonly summaries: ReadonlyMap<number, HeaderSummary>
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
  readonly #scratch = new Scratch()
  #outcome: FetchOutcome = 'complete'

  constructor(session: ImapSession, plan: FetchPlan) {
    this.#session = session
    this.#mailbox = session.mailbox
    this.#plan = plan
  }

  async all(ranges: NumberRanges): Promise<FetchOutcome> {
    const { later, needsSize, needsDate } = this.#plan
    const ready = later.length === 0 && !needsSize && !needsDate
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
      out.text(`* ${number} FETCH (${this.#first(message, NOTHING_KNOWN)})\r\n`)
      if (out.full || this.#turn.over) await this.#pause()
    }
  }

  async #batch(first: number, last: number): Promise<void> {
    const numbers: number[] = []
    const uids: number[] = []
    for (let number = first; number <= last; number++) {
      const message = this.#mailbox.message(number)
      if (!this.#wanted(message)) continue
      numbers.push(number)
      if (!message.expunged) uids.push(message.uid)
    }
    const known = await this.#lookUp(uids)
    for (const number of numbers) {
      const saying = this.#sayMessage(number, known)
      if (saying !== undefined) await saying
      if (this.#session.out.full || this.#turn.overNow) await this.#pause()
    }
  }

  async #lookUp(uids: readonly number[]): Promise<Known> {
    const { needsSummary, needsSize, needsDate, marksSeen } = this.#plan
    return {
      summaries: needsSummary === undefined ? NO_SUMMARIES : await this.#summaries(uids, needsSummary),
      sizes: needsSize && needsSummary !== 'whole' ? await this.#mailbox.sizes(uids) : NO_NUMBERS,
      dates: needsDate ? await this.#mailbox.internalDates(uids) : NO_NUMBERS,
      newlySeen: marksSeen ? await this.#markSeen(uids) : NO_UIDS,
    }
  }

  async #summaries(uids: readonly number[], of: 'header' | 'whole'): Promise<ReadonlyMap<number, HeaderSummary>> {
    const summaries = new Map<number, HeaderSummary>()
    const found = of === 'whole' ? this.#mailbox.summaries(uids) : this.#mailbox.headers(uids)
    for await (const some of found) for (const [uid, one] of some) summaries.set(uid, one)
    return summaries
  }

  async #markSeen(uids: readonly number[]): Promise<ReadonlySet<number>> {
    const mailbox = this.#mailbox
    const unseen = uids.filter((uid) => (mailbox.message(mailbox.sequenceOf(uid)).flags.bits & SEEN) === 0)
    if (unseen.length === 0) return NO_UIDS
    await mailbox.store(unseen, { mode: 'add', bits: SEEN, keywords: [] }, { silent: true })
    return new Set(unseen)
  }

  /** At once, unless something has to be waited for. */
  #sayMessage(number: number, known: Known): void | Promise<void> {
    const { needsSummary, needsSize, needsDate, reads } = this.#plan
    const message = this.#mailbox.message(number)
    const { uid } = message
    const gone = message.expunged || (needsSummary !== undefined && !known.summaries.has(uid))
    if (gone && (needsSize || needsDate)) return this.#miss()
    if (gone) return this.#sayGone(number, message, known)
    if (!reads) return this.#sayItems(number, message, known, undefined)
    const opening = this.#open(uid, known)
    return opening instanceof Promise
      ? opening.then((open) => this.#sayOpened(number, message, known, open))
      : this.#sayOpened(number, message, known, opening)
  }

  #sayOpened(
    number: number,
    message: MessageRecord,
    known: Known,
    open: OpenMessage | 'gone' | 'failed',
  ): void | Promise<void> {
    if (open === 'failed') return
    if (open === 'gone') return this.#sayGone(number, message, known)
    let saying: void | Promise<void>
    try {
      saying = this.#sayItems(number, message, known, open)
    } catch (error) {
      open.close()
      throw error
    }
    if (saying !== undefined) return saying.finally(() => open.close())
    open.close()
  }

  #sayItems(number: number, message: MessageRecord, known: Known, open: OpenMessage | undefined): void | Promise<void> {
    const first = this.#first(message, known)
    this.#session.out.text(`* ${number} FETCH (${first}`)
    return this.#sayFrom(0, first !== '', known.summaries.get(message.uid), open)
  }

  /** Says what is asked for from an item on, and ends the reply. */
  #sayFrom(
    index: number,
    blank: boolean,
    summary: HeaderSummary | undefined,
    open: OpenMessage | undefined,
  ): void | Promise<void> {
    const { out } = this.#session
    const { later } = this.#plan
    for (let at = index; at < later.length; at++) {
      const item = later[at]
      if (blank || at > 0) out.text(' ')
      if (item?.kind !== 'section') {
        if (item !== undefined) out.text(summaryItem(item.kind, summary))
        continue
      }
      const saying = open && saySection(this.#session, open, item.label, item.section)
      if (saying !== undefined) return saying.then(() => this.#sayFrom(at + 1, true, summary, open))
    }
    out.text(')\r\n')
  }

  /** As Dovecot says a message that is gone: what is known of it, and NIL for the rest. */
  #sayGone(number: number, message: MessageRecord, known: Known): void {
    this.#miss()
    const { later, needsSummary } = this.#plan
    if (needsSummary !== undefined) return
    const nils = later.map((item) => (item.kind === 'section' ? `${item.label} NIL` : ''))
    const parts = [this.#first(message, known), ...nils].filter((part) => part !== '')
    this.#session.out.text(`* ${number} FETCH (${parts.join(' ')})\r\n`)
  }

  /** That it cannot be read is noted. */
  #open(uid: number, known: Known): Soon<OpenMessage | 'gone' | 'failed'> {
    try {
      const opening = OpenMessage.open(this.#mailbox, uid, wholeOf(known.summaries.get(uid)), this.#scratch)
      return opening instanceof Promise ? opening.catch((error: unknown) => this.#notOpened(uid, error)) : opening
    } catch (error) {
      return this.#notOpened(uid, error)
    }
  }

  #notOpened(uid: number, error: unknown): 'gone' | 'failed' {
    if (error instanceof StoreRefusal && error.code === 'expunged') return 'gone'
    if (this.#session.mail.settings.imap_fetch_failure === 'disconnect-immediately') throw error
    this.#fail(uid, error)
    return 'failed'
  }

  #first(message: MessageRecord, known: Known): string {
    let text = ''
    for (const kind of this.#plan.first) {
      if (text !== '') text += ' '
      text += this.#item(kind, message, known)
    }
    if (this.#plan.flags || !known.newlySeen.has(message.uid)) return text
    return `${text}${text === '' ? '' : ' '}FLAGS (${flagsOf(this.#mailbox, message)})`
  }

  #item(kind: FirstKind, message: MessageRecord, known: Known): string {
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
        return `RFC822.SIZE ${known.sizes.get(uid) ?? wholeOf(known.summaries.get(uid))?.sizeVirtual ?? 0}`
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
const NO_SUMMARIES: ReadonlyMap<number, HeaderSummary> = new Map()
const NOTHING_KNOWN: Known = { summaries: NO_SUMMARIES, sizes: NO_NUMBERS, dates: NO_NUMBERS, newlySeen: NO_UIDS }

function wholeOf(summary: HeaderSummary | undefined): MessageSummary | undefined {
  return summary !== undefined && isWhole(summary) ? summary : undefined
}

/** Ready to be said, as the index has it. */
function summaryItem(kind: 'envelope' | 'body' | 'bodystructure', summary: HeaderSummary | undefined): string {
  switch (kind) {
    case 'envelope':
      return `ENVELOPE ${summary?.envelope}`
    case 'body':
      return `BODY ${wholeOf(summary)?.body}`
    case 'bodystructure':
      return `BODYSTRUCTURE ${wholeOf(summary)?.bodyStructure}`
    default:
      return assertNever(kind)
  }
}
