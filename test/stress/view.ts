import assert from 'node:assert/strict'
import type { MailboxTruth } from './truth.ts'

interface Believed {
  uid: number | undefined
  flags: string | undefined
  modSeq: number | undefined
}

/**
 * What a client believes of the mailbox it selected: only what untagged replies told it. Throws an AssertionError when a reply
 * does not fit those before it.
 */
export class View {
  readonly truth: MailboxTruth
  readonly messages: Believed[] = []
  readonly #resumed = new Map<number, string | undefined>()
  /** The last one told; 0 before that. */
  highestModSeq = 0
  readonly #goneBefore: ReadonlySet<number>
  /** The client enabled QRESYNC: VANISHED takes the place of EXPUNGE. */
  readonly #qresync: boolean

  constructor(truth: MailboxTruth, qresync: boolean) {
    this.truth = truth
    this.#qresync = qresync
    this.#goneBefore = new Set(truth.gone)
  }

  /** An untagged reply. `mayExpunge`: numbers need not hold during this command. */
  hear(line: string, mayExpunge: boolean): void {
    const [, number = '', what = '', rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: ([^]*))?$/.exec(line) ?? []
    if (what === 'EXISTS') return this.#exists(Number(number))
    if (what === 'EXPUNGE') return this.#expunge(Number(number), mayExpunge)
    if (what === 'FETCH') return this.#fetch(Number(number), rest)
    const vanished = /^\* VANISHED ([\d:,]+)$/.exec(line)?.[1]
    if (vanished !== undefined) return this.#vanished(vanished, mayExpunge)
    const earlier = /^\* VANISHED \(EARLIER\) ([\d:,]+)$/.exec(line)?.[1]
    if (earlier !== undefined) return this.#vanishedEarlier(earlier)
    const highest = /^\S+ OK \[HIGHESTMODSEQ (\d+)\]/.exec(line)?.[1]
    if (highest !== undefined) this.#vouched(Number(highest))
    const validity = /^\* OK \[UIDVALIDITY (\d+)\]/.exec(line)?.[1]
    if (validity !== undefined) this.truth.validity(validity)
  }

  /** The first message whose UID was not told yet, if there is one: 1 is the first. */
  get firstUnknown(): number | undefined {
    const index = this.messages.findIndex(({ uid }) => uid === undefined)
    return index < 0 ? undefined : index + 1
  }

  /** What changed up to here was told. RFC 7162 §3.1.2. */
  #vouched(highest: number): void {
    assert.ok(highest >= this.highestModSeq, `HIGHESTMODSEQ ${highest}, and was ${this.highestModSeq}`)
    this.highestModSeq = highest
  }

  /** Comes back to this mailbox with what was known of it, for `SELECT (QRESYNC ...)`. */
  resume(known: View): void {
    const { messages } = known
    for (const message of messages) if (message.uid !== undefined) this.#resumed.set(message.uid, message.flags)
  }

  /** What a client knows that resynchronised: flags by UID, undefined when it does not know them. */
  get resumed(): ReadonlyMap<number, string | undefined> {
    return this.#resumed
  }

  #exists(count: number): void {
    assert.ok(count >= this.messages.length, `${count} messages, but ${this.messages.length} were there`)
    while (this.messages.length < count) this.messages.push({ uid: undefined, flags: undefined, modSeq: undefined })
  }

  #expunge(number: number, mayExpunge: boolean): void {
    assert.ok(!this.#qresync, 'EXPUNGE though QRESYNC is enabled')
    assert.ok(mayExpunge, 'EXPUNGE while numbers must hold')
    assert.ok(number >= 1 && number <= this.messages.length, `EXPUNGE of ${number} of ${this.messages.length}`)
    this.#remove(number - 1)
  }

  #vanished(set: string, mayExpunge: boolean): void {
    assert.ok(this.#qresync, 'VANISHED though QRESYNC is not enabled')
    assert.ok(mayExpunge, 'VANISHED while numbers must hold')
    for (const uid of expandSet(set)) {
      const index = this.messages.findIndex((message) => message.uid === uid)
      if (index >= 0) this.#remove(index)
      else this.#removeUnknown(uid)
    }
  }

  #vanishedEarlier(set: string): void {
    for (const uid of expandSet(set)) {
      assert.ok(!this.messages.some((message) => message.uid === uid), `VANISHED ${uid}, and it is there`)
      this.#resumed.delete(uid)
    }
  }

  /** Its place is known all the same: UIDs ascend. */
  #removeUnknown(uid: number): void {
    const above = this.messages.findIndex((message) => message.uid !== undefined && message.uid > uid)
    const index = (above < 0 ? this.messages.length : above) - 1
    assert.ok(
      this.messages[index] !== undefined && this.messages[index].uid === undefined,
      `VANISHED ${uid}, never there`,
    )
    this.truth.gone.add(uid)
    this.messages.splice(index, 1)
  }

  #remove(index: number): void {
    const [message] = this.messages.splice(index, 1)
    if (message?.uid === undefined) this.truth.unknownGone++
    else this.truth.gone.add(message.uid)
  }

  #fetch(number: number, items: string): void {
    const message = this.messages[number - 1]
    assert.ok(message, `FETCH of ${number} of ${this.messages.length}`)
    const uid = /\bUID (\d+)/.exec(items)?.[1]
    if (uid !== undefined) this.#learnUid(number, message, Number(uid))
    const flags = flagsIn(items)
    const modSeq = /MODSEQ \((\d+)\)/.exec(items)?.[1]
    if (modSeq !== undefined) this.#learnModSeq(number, message, Number(modSeq))
    if (flags !== undefined) message.flags = flags
    if (flags !== undefined && message.uid !== undefined) this.#resumed.set(message.uid, flags)
    const token = /\bX-Token: (\w+)/.exec(items)?.[1]
    if (token !== undefined && message.uid !== undefined) this.truth.holds(message.uid, token)
  }

  #learnUid(number: number, message: Believed, uid: number): void {
    assert.ok(
      message.uid === undefined || message.uid === uid,
      `message ${number} is UID ${uid}, and was ${message.uid}`,
    )
    assert.ok(!this.#goneBefore.has(uid), `UID ${uid} was gone before this mailbox was selected`)
    message.uid = uid
    const before = this.messages[number - 2]?.uid
    assert.ok(before === undefined || before < uid, `UID ${uid} stands behind ${before}`)
    const after = this.messages[number]?.uid
    assert.ok(after === undefined || after > uid, `UID ${uid} stands before ${after}`)
  }

  #learnModSeq(number: number, message: Believed, modSeq: number): void {
    const { modSeq: known } = message
    assert.ok(known === undefined || modSeq >= known, `message ${number} has MODSEQ ${modSeq}, and had ${known}`)
    message.modSeq = modSeq
  }
}

/** Sorted, without \Recent, which is no property of the message. */
function flagsIn(items: string): string | undefined {
  const list = /\bFLAGS \(([^)]*)\)/.exec(items)?.[1]
  const flags = list?.split(' ').filter((flag) => flag !== '\\Recent' && flag !== '')
  return flags?.toSorted().join(' ')
}

/** The numbers of a set without `*`, in its order. */
export function expandSet(set: string): number[] {
  return set.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split(':').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
