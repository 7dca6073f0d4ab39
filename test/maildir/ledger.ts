import assert from 'node:assert/strict'
import type { MailboxSnapshot } from './session.ts'

interface Entry {
  readonly subject: string
  /** Keywords that somebody was told are set. */
  readonly keywords: Set<string>
  /** Somebody asked for its removal; whether it was removed is open. */
  doomed: boolean
  /** Whoever put it there was told so. */
  acknowledged: boolean
}

/** What everybody was told of one mailbox. At any time, and at the end, nobody may be told otherwise. */
export class Ledger {
  readonly #name: string
  readonly #byUid = new Map<number, Entry>()
  readonly #uidOf = new Map<string, number>()
  #uidValidity = 0

  constructor(name: string) {
    this.#name = name
  }

  get size(): number {
    return this.#byUid.size
  }

  /** Messages nobody asked to remove. */
  get living(): number[] {
    return [...this.#byUid].filter(([, { doomed }]) => !doomed).map(([uid]) => uid)
  }

  readonly #expected = new Set<string>()

  subjectOf(uid: number): string {
    return this.#byUid.get(uid)?.subject ?? ''
  }

  /** Somebody tried to put a message with this subject here. */
  expect(subject: string): void {
    this.#expected.add(subject)
  }

  knows(subject: string): boolean {
    return this.#expected.has(subject) || this.#uidOf.has(subject)
  }

  /** A message was seen, or its UID was told to whoever put it there. */
  seen(uid: number, subject: string, acknowledged = false): void {
    const known = this.#byUid.get(uid)
    const where = `${this.#name}: UID ${uid}`
    if (known !== undefined) assert.equal(subject, known.subject, `${where} is one message only`)
    const other = this.#uidOf.get(subject)
    assert.ok(other === undefined || other === uid, `${this.#name}: "${subject}" has UID ${other}, and now ${uid}`)
    this.#uidOf.set(subject, uid)
    if (known === undefined) this.#byUid.set(uid, { subject, keywords: new Set(), doomed: false, acknowledged })
    else known.acknowledged ||= acknowledged
  }

  observe({ uidValidity, uidNext, messages }: MailboxSnapshot): void {
    assert.ok(this.#uidValidity === 0 || uidValidity === this.#uidValidity, `${this.#name}: UIDVALIDITY stays`)
    this.#uidValidity = uidValidity
    for (const { uid, subject } of messages) {
      assert.ok(uid < uidNext, `${this.#name}: UID ${uid} is below UIDNEXT ${uidNext}`)
      this.seen(uid, subject, true)
    }
  }

  keyword(uid: number, keyword: string): void {
    this.#byUid.get(uid)?.keywords.add(keyword)
  }

  doom(uid: number): void {
    const entry = this.#byUid.get(uid)
    if (entry !== undefined) entry.doomed = true
  }

  /** What is there when everybody has stopped. */
  settle({ messages }: MailboxSnapshot): void {
    const there = new Map(messages.map((message) => [message.uid, message]))
    for (const [uid, { subject, keywords, doomed, acknowledged }] of this.#byUid) {
      const message = there.get(uid)
      if (message === undefined) {
        assert.ok(doomed || !acknowledged, `${this.#name}: UID ${uid} (${subject}) is lost`)
        continue
      }
      for (const keyword of keywords) {
        assert.ok(
          message.flags.includes(keyword),
          `${this.#name}: UID ${uid} lost ${keyword}: ${message.flags.join(' ')}`,
        )
      }
    }
    assert.equal(
      new Set(messages.map(({ subject }) => subject)).size,
      messages.length,
      `${this.#name}: none is doubled`,
    )
  }
}
