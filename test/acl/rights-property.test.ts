import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANSWERED, DELETED, SEEN } from '../../src/storage/flags.ts'
import type { Mailbox, MailStore } from '../../src/storage/store.ts'
import { flagsIn, openSharedMail, outcome, put } from './shared-mail.ts'

const LETTERS = 'lrwstipekxa'
const BOXES = ['A', 'A/b', 'C'] as const

const rights = fc.subarray(LETTERS.split('')).map((letters) => letters.join(''))
const box = fc.constantFrom<string>(...BOXES)
const bits = fc.constantFrom(SEEN, DELETED, ANSWERED, SEEN | DELETED | ANSWERED)

type Operation = (bob: MailStore, open: (name: string) => Promise<Mailbox>) => Promise<unknown>

const operation: fc.Arbitrary<{ readonly says: string; readonly run: Operation }> = fc.oneof(
  fc.tuple(box, bits).map(([name, flags]) => ({
    says: `append ${name}`,
    run: (bob: MailStore) => put(bob, shared(name), { bits: flags, keywords: ['kw'] }),
  })),
  fc
    .tuple(box, bits, fc.constantFrom<'add' | 'remove' | 'replace'>('add', 'remove', 'replace'))
    .map(([name, flags, mode]) => ({
      says: `store ${mode} ${name}`,
      run: async (_bob: MailStore, open: (of: string) => Promise<Mailbox>) =>
        (await open(name)).store([1, 2], { mode, bits: flags, keywords: ['kw'] }, { silent: false }),
    })),
  box.map((name) => ({
    says: `expunge ${name}`,
    run: async (_bob: MailStore, open: (of: string) => Promise<Mailbox>) => (await open(name)).expunge(),
  })),
  fc.tuple(box, box).map(([from, to]) => ({
    says: `copy ${from} ${to}`,
    run: async (_bob: MailStore, open: (of: string) => Promise<Mailbox>) => (await open(from)).copy([1], shared(to)),
  })),
  fc.tuple(box, box).map(([from, to]) => ({
    says: `move ${from} ${to}`,
    run: async (_bob: MailStore, open: (of: string) => Promise<Mailbox>) => (await open(from)).move([1], shared(to)),
  })),
  box.map((name) => ({ says: `delete ${name}`, run: (bob: MailStore) => bob.delete(shared(name)) })),
  box.map((name) => ({ says: `create ${name}/new`, run: (bob: MailStore) => bob.create(shared(`${name}/new`)) })),
  fc.tuple(box, box).map(([from, to]) => ({
    says: `rename ${from} ${to}/r`,
    run: (bob: MailStore) => bob.rename(shared(from), shared(`${to}/r`)),
  })),
)

function shared(name: string): string {
  return `shared/olga/${name}`
}

test('nothing is seen, read or changed without its right, whatever is done', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(rights, rights, rights),
      fc.array(operation, { maxLength: 5 }),
      async (sets, operations) => {
        const mail = openSharedMail(t)
        const granted = new Map<string, string>(BOXES.map((name, at) => [name, sets[at] ?? '']))
        for (const name of BOXES) {
          await mail.olga.create(name)
          await put(mail.olga, name, { bits: DELETED })
          await put(mail.olga, name, { bits: SEEN, keywords: ['old'] })
          mail.share(name, `user=bob ${granted.get(name)}`)
        }
        const bob = mail.open('bob')
        await checkVisible(bob, granted)
        for (const { says, run } of operations) {
          const before = await snapshot(mail.olga)
          await outcome(run(bob, (name) => bob.open(shared(name), 'read-write')))
          checkChanges(before, await snapshot(mail.olga), granted, says)
          await restore(mail.olga, granted)
          for (const name of BOXES) mail.share(name, `user=bob ${granted.get(name)}`)
        }
      },
    ),
    { numRuns: 60 },
  )
})

type Snapshot = ReadonlyMap<string, readonly string[]>

async function checkVisible(bob: MailStore, granted: ReadonlyMap<string, string>): Promise<void> {
  const listed = await bob.list(['*', '%', 'shared/olga/%'])
  for (const [name, letters] of granted) {
    const isListed = listed.some((entry) => entry.name === shared(name) && entry.selectable)
    assert.equal(isListed, letters.includes('l'), `${name} ${letters}`)
    const opened = await outcome(bob.open(shared(name), 'read-only'))
    assert.equal(opened === 'ok', letters.includes('r'), `${name} ${letters}`)
    if (!letters.includes('l') && opened !== 'ok')
      assert.equal(opened, 'not-found', `${name} ${letters}: not a word that it exists`)
  }
}

async function snapshot(store: MailStore): Promise<Snapshot> {
  const found = new Map<string, readonly string[]>()
  for (const { name, selectable } of await store.list(['*'])) {
    if (selectable && !name.startsWith('shared')) found.set(name, (await flagsIn(store, name)) ?? [])
  }
  return found
}

/** What must have been allowed for the state to be this one. */
function checkChanges(before: Snapshot, after: Snapshot, granted: ReadonlyMap<string, string>, says: string): void {
  const may = (name: string, letter: string): void =>
    assert.ok(granted.get(name)?.includes(letter) === true, `${says}: ${letter} on ${name} (${granted.get(name)})`)
  for (const [name, old] of before) {
    const now = after.get(name)
    if (now === undefined) {
      // A level above that moved away takes it along without being asked.
      may(
        [...granted.keys()].find((above) =>
          says === `delete ${name}` ? above === name : says.startsWith(`rename ${above} `),
        ) ?? name,
        'x',
      )
      continue
    }
    const flags = new Map(now.map((line) => [line.split(' ')[0], line]))
    for (const line of old) {
      const [uid] = line.split(' ')
      const current = flags.get(uid)
      if (current === undefined) may(name, 'e')
      else checkFlags(line, current, (letter) => may(name, letter))
      flags.delete(uid)
    }
    for (const added of flags.values()) {
      may(name, 'i')
      checkFlags('', added.replace(/^\S+ ?/, ''), (letter) => may(name, letter))
    }
  }
  for (const name of after.keys()) if (!before.has(name)) may(aboveOf(name), 'k')
}

function checkFlags(old: string, now: string, may: (letter: string) => void): void {
  const [one, other] = [new Set(old.split(' ')), new Set(now.split(' '))]
  for (const flag of new Set([...one, ...other])) {
    if (flag === '' || /^\d+$/.test(flag) || one.has(flag) === other.has(flag)) continue
    may(flag === '\\Seen' ? 's' : flag === '\\Deleted' ? 't' : 'w')
  }
}

/** The mailbox that bob named as the place for a new one. */
function aboveOf(name: string): string {
  return name.replace(/\/(new|r)(\/.*)?$/, '')
}

/** Brings back what is gone, so that the next operation finds something. */
async function restore(store: MailStore, granted: ReadonlyMap<string, string>): Promise<void> {
  for (const { name, selectable } of await store.list(['*'])) {
    if (selectable && /\/(new|r)(\/|$)/.test(name)) await outcome(store.delete(name))
  }
  for (const name of granted.keys()) await outcome(store.create(name))
}
