import assert from 'node:assert/strict'

/** What somebody was told of one mailbox. Nobody may be told otherwise. */
export class MailboxTruth {
  readonly name: string
  /** What the message with a UID holds; there for good. */
  readonly tokens = new Map<number, string>()
  /** UIDs that somebody was told are gone. */
  readonly gone = new Set<number>()
  /** Messages that went before the one who was told knew their UID. */
  unknownGone = 0
  uidValidity: string | undefined

  constructor(name: string) {
    this.name = name
  }

  /** A UID was given to a message: never before, never again. */
  given(uid: number, token: string): void {
    const known = this.tokens.get(uid)
    assert.ok(
      known === undefined || known === token,
      `${this.name}: UID ${uid} held ${known}, and is given to ${token}`,
    )
    this.tokens.set(uid, token)
  }

  holds(uid: number, token: string): void {
    const known = this.tokens.get(uid)
    assert.ok(known === undefined || known === token, `${this.name}: UID ${uid} holds ${token}, not ${known}`)
    this.tokens.set(uid, token)
  }

  validity(value: string): void {
    this.uidValidity ??= value
    assert.equal(value, this.uidValidity, `${this.name}: UIDVALIDITY stays`)
  }
}

/** All mailboxes of one user, and what was put into them. */
export class Truth {
  readonly mailboxes: ReadonlyMap<string, MailboxTruth>
  /** Tokens of messages whose delivery was acknowledged. */
  readonly delivered = new Set<string>()
  #next = 0

  constructor(names: readonly string[]) {
    this.mailboxes = new Map(names.map((name) => [name, new MailboxTruth(name)]))
  }

  mailbox(name: string): MailboxTruth {
    const found = this.mailboxes.get(name)
    assert.ok(found)
    return found
  }

  newToken(): string {
    return `t${++this.#next}`
  }
}
