// A small world of sessions in two processes that look at one INBOX, and what clients are told there. For property tests.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ANSWERED, DELETED, FLAGGED, type FlagChange, SEEN } from '../flags.ts'
import { StoreRefusal } from '../refusal.ts'
import type { Mailbox, MailStore, ViewChanges } from '../store.ts'

const MESSAGE = Buffer.from('Subject: x\n\nbody\n')

/** What a client knows that believes only what it is told. */
export class Client {
  readonly view: Mailbox
  /** UID and flags by sequence number. */
  known: { uid: number; flags: string }[] = []
  recent: number
  highestModSeq = 0

  constructor(view: Mailbox) {
    this.view = view
    this.recent = view.recent
    this.#fetchNew(view.count)
    this.highestModSeq = view.highestModSeq
  }

  async sync(expunge: boolean, look: 'now' | 'cached' = 'now'): Promise<ViewChanges> {
    const changes = await this.view.sync({ expunge, look })
    if (!expunge) assert.deepEqual(changes.expunged, [])
    const uids: number[] = []
    for (const sequence of changes.expunged) uids.push(...this.known.splice(sequence - 1, 1).map(({ uid }) => uid))
    assert.deepEqual(uids.reverse(), changes.expungedUids)
    for (const sequence of changes.flags) this.#fetch(sequence)
    const count = changes.exists ?? this.known.length
    assert.ok(count >= this.known.length, 'messages only go by EXPUNGE')
    this.#fetchNew(count)
    this.recent = changes.recent ?? this.recent
    this.#check()
    return changes
  }

  /** STORE. A silent one tells nothing: the client works it out. */
  async store(uids: readonly number[], change: FlagChange, silent: boolean): Promise<void> {
    await this.view.store(uids, change, { silent })
    if (!silent) return
    for (const message of this.known) {
      if (uids.includes(message.uid)) message.flags = applied(message.flags, change)
    }
  }

  #fetch(sequence: number): void {
    const message = this.view.message(sequence)
    assert.equal(this.known[sequence - 1]?.uid, message.uid, 'a sequence number means the same message to both')
    this.known[sequence - 1] = { uid: message.uid, flags: textOf(message) }
  }

  #fetchNew(count: number): void {
    for (let sequence = this.known.length + 1; sequence <= count; sequence += 1) {
      const message = this.view.message(sequence)
      this.known.push({ uid: message.uid, flags: textOf(message) })
    }
  }

  #check(): void {
    const { view } = this
    assert.equal(view.count, this.known.length)
    assert.equal(view.recent, this.recent)
    for (const [index, { uid }] of this.known.entries()) {
      assert.equal(view.message(index + 1).uid, uid)
      assert.equal(view.sequenceOf(uid), index + 1)
      assert.equal(view.sequenceFrom(uid), index + 1)
    }
    assert.ok(view.highestModSeq >= this.highestModSeq, 'HIGHESTMODSEQ does not go backwards')
    this.highestModSeq = view.highestModSeq
  }
}

/** What flags are after a change, sorted. */
function applied(text: string, { mode, bits, keywords }: FlagChange): string {
  const names = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'].filter(
    (_, bit) => (bits & (1 << bit)) !== 0,
  )
  const given = [...names, ...keywords]
  const had = text === '' ? [] : text.split(' ')
  if (mode === 'replace') return sorted(given)
  return sorted(mode === 'add' ? [...had, ...given] : had.filter((name) => !given.includes(name)))
}

/** Two mailboxes may list keywords in another order. */
function sorted(names: readonly string[]): string {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1)).join(' ')
}

function textOf({ flags }: { readonly flags: { readonly text: string } }): string {
  return sorted(flags.text === '' ? [] : flags.text.split(' '))
}

export type Step = (world: World) => Promise<void>

export class World {
  readonly stores: readonly MailStore[]
  readonly clients: (Client | undefined)[] = []
  /** What a client that left knows, for QRESYNC. */
  left: { uids: Set<number>; flags: Map<number, string>; highestModSeq: number } | undefined

  /** A store of each process. */
  constructor(stores: readonly MailStore[]) {
    this.stores = stores
  }

  store(number: number): MailStore {
    return this.stores[number % this.stores.length] ?? assert.fail()
  }

  async client(number: number): Promise<Client> {
    const known = this.clients[number]
    if (known) return known
    const view = await this.store(number).open('INBOX', number === 3 ? 'read-only' : 'read-write')
    const client = new Client(view)
    this.clients[number] = client
    this.#checkReturn(client)
    return client
  }

  async leave(number: number): Promise<void> {
    const client = this.clients[number]
    if (!client) return
    // It knows everything, except what it was not told.
    const flags = new Map(client.known.map((message) => [message.uid, message.flags]))
    await client.sync(true)
    for (const { uid, flags: now } of client.known) flags.set(uid, now)
    this.left = { uids: new Set(client.known.map(({ uid }) => uid)), flags, highestModSeq: client.view.highestModSeq }
    this.returns = client.view.close().then(() => undefined)
    await this.returns
    this.clients[number] = undefined
  }

  returns: Promise<void> = Promise.resolve()

  /** RFC 7162: what changed since a client left is in VANISHED, or has a larger MODSEQ. */
  #checkReturn({ view }: Client): void {
    const { left } = this
    if (left === undefined) return
    const gone = [...left.uids].filter((uid) => view.sequenceOf(uid) === 0)
    this.returns = view.vanishedSince(left.highestModSeq).then((vanished) => {
      for (const uid of gone)
        assert.ok(
          vanished.some(([first, last]) => first <= uid && uid <= last),
          `${uid} vanished`,
        )
      for (const [first, last] of vanished) {
        for (let uid = first; uid <= last; uid += 1) assert.equal(view.sequenceOf(uid), 0, `${uid} is still there`)
      }
    })
    for (let sequence = 1; sequence <= view.count; sequence += 1) {
      const { uid, modSeq } = view.message(sequence)
      if (left.flags.get(uid) === textOf(view.message(sequence))) continue
      assert.ok(modSeq > left.highestModSeq, `${uid} changed`)
    }
  }

  /** Everybody knows the same in the end. */
  async end(): Promise<void> {
    await this.returns
    // In the end everybody syncs, twice: what the first look of one changed is seen by the others.
    for (const client of [...this.clients, ...this.clients]) await client?.sync(true)
    const [truth] = this.clients.flatMap((client) => (client ? [client.known] : []))
    for (const client of this.clients) {
      if (!client) continue
      assert.deepEqual(client.known, truth, 'everybody knows the same')
      for (let sequence = 1; sequence <= client.view.count; sequence += 1) {
        const message = client.view.message(sequence)
        assert.ok(message.modSeq <= client.view.highestModSeq)
        assert.equal(client.known[sequence - 1]?.flags, textOf(message))
      }
    }
  }
}

const client = fc.nat(3)
const writer = fc.nat(2)
const picks = fc.array(fc.nat(9), { minLength: 1, maxLength: 4 })
const change: fc.Arbitrary<FlagChange> = fc.record({
  mode: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
  bits: fc.constantFrom(0, SEEN, DELETED, DELETED | FLAGGED, ANSWERED),
  keywords: fc.constantFrom([], ['first'], ['second'], ['first', 'second']),
})

function picked({ known }: Client, from: readonly number[]): number[] {
  return [...new Set(from.map((n) => known[n % Math.max(1, known.length)]?.uid ?? 1000))]
}

/** Something that a session does. */
export const worldStep: fc.Arbitrary<readonly [name: string, step: Step]> = fc.oneof(
  fc.tuple(client, fc.boolean()).map(([number, expunge]): [string, Step] => [
    `sync ${number} ${expunge}`,
    async (world) => {
      await (await world.client(number)).sync(expunge)
    },
  ]),
  fc.tuple(writer, change, picks, fc.boolean()).map(([number, how, which, silent]): [string, Step] => [
    `store ${number} ${JSON.stringify(how)} ${which.join()} ${silent}`,
    async (world) => {
      const one = await world.client(number)
      await one.store(picked(one, which), how, silent)
    },
  ]),
  writer.map((number): [string, Step] => [
    `expunge ${number}`,
    async (world) => (await world.client(number)).view.expunge(),
  ]),
  fc.tuple(writer, picks).map(([number, which]): [string, Step] => [
    `move ${number} ${which.join()}`,
    async (world) => {
      const one = await world.client(number)
      await one.view.move(picked(one, which), 'INBOX').catch((error: unknown) => {
        // One that is picked is gone: none is moved.
        if (!(error instanceof StoreRefusal && error.code === 'expunged')) throw error
      })
    },
  ]),
  fc.tuple(client, fc.integer({ min: 1, max: 3 })).map(([number, count]): [string, Step] => [
    `append ${number} ${count}`,
    async (world) => {
      const appending = await world.store(number).beginAppend('INBOX')
      for (let index = 0; index < count; index += 1) {
        await appending.begin({ bits: 0, keywords: [] })
        await appending.write(MESSAGE)
        await appending.end()
      }
      await appending.commit()
    },
  ]),
  client.map((number): [string, Step] => [`leave ${number}`, (world) => world.leave(number)]),
)
