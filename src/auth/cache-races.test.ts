import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SharedPasswords } from './shared-passwords.ts'
import { BLOCK, CACHE, type Counting, openCounting } from './testing/counting-auth.ts'
import { testConnection } from './testing/open-auth.ts'

const never = new AbortController().signal

/** Two workers that tell each other. */
async function openTwo(t: TestContext): Promise<[Counting, Counting]> {
  const shares: SharedPasswords[] = []
  const open = async (): Promise<Counting> => {
    const share: SharedPasswords = new SharedPasswords((news) => {
      for (const other of shares) if (other !== share) other.hear(news)
    })
    shares.push(share)
    return await openCounting(t, CACHE, BLOCK, '%u', share)
  }
  return [await open(), await open()]
}

test('the first login with a new password ends the old one in the caches of all workers', async (t) => {
  const [one, two] = await openTwo(t)
  const both = (password: string): void => [one, two].forEach(({ users }) => users.set('joe', [['password', password]]))
  const logIn = async (at: Counting, password: string): Promise<string> => (await at.login('joe', password)).kind
  both('old')
  assert.deepEqual([await logIn(one, 'old'), await logIn(two, 'old')], ['ok', 'ok'])
  // A device with another password: from here on this worker believes a wrong password without asking.
  assert.deepEqual([await logIn(two, 'typo'), await logIn(two, 'typo')], ['refused', 'refused'])
  both('new')
  const askedBefore = two.asked
  assert.equal(await logIn(one, 'new'), 'ok')
  assert.equal(await logIn(two, 'old'), 'refused')
  assert.equal(await logIn(two, 'new'), 'ok')
  assert.equal(two.asked, askedBefore + 1)
  assert.equal(await logIn(one, 'new'), 'ok')
})

test('an answer from before a flush is not kept behind it', async (t) => {
  const db = await openCounting(t, CACHE)
  const route = async (): Promise<string | undefined> => {
    const found = await db.auth.lookupPassdb(testConnection, 'joe', never)
    return found.kind === 'found' ? found.fields.get('host') : found.kind
  }
  const home = async (): Promise<string | undefined> => {
    const found = await db.auth.lookupUser(testConnection, 'joe', new Map(), never)
    return found.kind === 'found' ? found.fields.get('host') : found.kind
  }
  const setHost = (host: string): void => {
    db.users.set('joe', [
      ['password', 's'],
      ['host', host],
    ])
  }
  setHost('old')
  const { promise, resolve } = Promise.withResolvers<void>()
  db.delivery = promise
  const before = Promise.all([route(), home()])
  await setImmediate()
  assert.equal(db.asked, 2)
  setHost('new')
  db.auth.flushCache(['joe'])
  resolve()
  assert.deepEqual(await before, ['old', 'old'])
  assert.deepEqual([await route(), await home()], ['new', 'new'])
  assert.equal(db.asked, 4)
  assert.deepEqual([await route(), await home()], ['new', 'new'])
  assert.equal(db.asked, 4, 'what came behind the flush is kept')
})

test('a password from before the one that another worker was told is not kept', async (t) => {
  const [one, two] = await openTwo(t)
  const setPassword = (password: string): void =>
    [one, two].forEach(({ users }) => users.set('joe', [['password', password]]))
  setPassword('old')
  const { promise, resolve } = Promise.withResolvers<void>()
  two.delivery = promise
  const before = two.login('joe', 'old')
  await setImmediate()
  assert.equal(two.asked, 1)
  setPassword('new')
  assert.equal((await one.login('joe', 'new')).kind, 'ok')
  resolve()
  assert.equal((await before).kind, 'ok', 'it was right when the database was asked')
  assert.equal((await two.login('joe', 'old')).kind, 'refused')
})

test('of two questions of one worker the one that was asked before the password changed leaves nothing behind', async (t) => {
  const db = await openCounting(t, CACHE, BLOCK, '%u', new SharedPasswords(() => undefined))
  db.users.set('joe', [['password', 'old']])
  const { promise, resolve } = Promise.withResolvers<void>()
  db.delivery = promise
  const before = db.login('joe', 'old')
  await setImmediate()
  db.delivery = Promise.resolve()
  db.users.set('joe', [['password', 'new']])
  assert.equal((await db.login('joe', 'new')).kind, 'ok')
  resolve()
  assert.equal((await before).kind, 'ok', 'it was right when the database was asked')
  assert.equal((await db.login('joe', 'old')).kind, 'refused')
})

test('two workers that are told the same password at the same time both keep it', async (t) => {
  const [one, two] = await openTwo(t)
  for (const { users } of [one, two]) users.set('joe', [['password', 's']])
  const { promise, resolve } = Promise.withResolvers<void>()
  one.delivery = promise
  two.delivery = promise
  const both = Promise.all([one.login('joe', 's'), two.login('joe', 's')])
  await setImmediate()
  resolve()
  await both
  assert.equal((await one.login('joe', 's')).kind, 'ok')
  assert.equal((await two.login('joe', 's')).kind, 'ok')
  assert.deepEqual([one.asked, two.asked], [1, 1])
})
