// What every userdb owes. A driver's test calls `userdbSuite` with a way to open itself over TEST_USERS.
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { UserdbLookup } from '../../src/auth/auth.ts'
import { testConnection, type TestAuth } from '../../src/auth/testing/open-auth.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { type Cleanup, eventually, TEST_USERS, type TestUser } from './passdb.ts'

/** A userdb opened over TEST_USERS, as far as it can hold them: uid 1000, gid 1000, home `/home/HOST`, `quota_rule` HOST. */
export interface UserdbUnderTest extends TestAuth {
  /** The same answer for every name. */
  readonly knowsEverybody?: boolean
  /** Answers only after a login that brought the fields along. */
  readonly needsLogin?: boolean
  readonly cannotHold?: (name: string) => boolean
  readonly cannotList?: boolean
  /** How its list writes a name. */
  readonly listedAs?: (name: string) => string
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> }
}

export interface UserdbFixture {
  readonly name: string
  readonly skip?: false | string
  readonly open: (cleanup: Cleanup) => Promise<UserdbUnderTest>
}

const duties: readonly [title: string, run: (db: UserdbUnderTest, t: TestContext) => Promise<void>][] = [
  ['gives every user their own fields', givesFields],
  ['does not know users that are not there', refusesUnknownUsers],
  ['answers many at once', answersManyAtOnce],
  ['lists all users', listsUsers],
  ['an outage is no unknown user, and ends by itself', survivesOutage],
]

export function userdbSuite({ name, skip = false, open }: UserdbFixture): void {
  describe(`userdb ${name}`, { skip }, () => {
    const undo: (() => unknown)[] = []
    let db: UserdbUnderTest | undefined
    before(async () => {
      db = await open((step) => undo.push(step))
    })
    after(async () => {
      await db?.auth.close()
      for (const step of undo.reverse()) await step()
    })
    for (const [title, run] of duties) {
      test(title, async (t) => {
        assert.ok(db)
        await run(db, t)
      })
    }
  })
}

function usersOf({ cannotHold = () => false }: UserdbUnderTest): readonly TestUser[] {
  return TEST_USERS.filter(({ name }) => !cannotHold(name))
}

/** A lookup by itself, or behind a login. */
async function lookUp(db: UserdbUnderTest, { name, password }: TestUser): Promise<UserdbLookup> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  if (db.needsLogin !== true) return await db.auth.lookupUser(testConnection, name, undefined, signal)
  const outcome = await db.login(name, password)
  if (outcome.kind === 'refused') return { kind: outcome.why.kind === 'temporary' ? 'temporary' : 'unknown' }
  return await db.auth.lookupUser(testConnection, outcome.user, outcome.userdbFields, signal)
}

async function givesFields(db: UserdbUnderTest): Promise<void> {
  for (const user of usersOf(db)) {
    const found = await lookUp(db, user)
    assert.equal(found.kind, 'found', `${user.name}: ${db.log.at(-1)}`)
    if (found.kind !== 'found') continue
    assert.equal(found.user, user.name)
    assert.equal(found.fields.get('uid'), '1000')
    assert.equal(found.fields.get('gid'), '1000')
    if (db.knowsEverybody === true) continue
    assert.equal(found.fields.get('home'), `/home/${user.host}`, user.name)
    assert.equal(found.fields.get('quota_rule'), user.host)
  }
}

async function refusesUnknownUsers(db: UserdbUnderTest, t: TestContext): Promise<void> {
  if (db.knowsEverybody === true) return t.skip('everybody is known here')
  for (const name of ['nobody', "joe' -- ", "x' or 'a'='a", '%', 'constructor', '\\', '"']) {
    assert.equal((await lookUp(db, { name, password: 'secret0', host: '' })).kind, 'unknown', name)
  }
}

async function answersManyAtOnce(db: UserdbUnderTest): Promise<void> {
  const users = usersOf(db)
  const lookups = Array.from({ length: 300 }, async (_, index) => {
    const user = users[index % users.length]
    assert.ok(user)
    const found = await lookUp(db, user)
    assert.equal(found.kind, 'found', db.log.at(-1))
    if (found.kind === 'found') assert.equal(found.user, user.name)
  })
  await Promise.all(lookups)
}

async function listsUsers(db: UserdbUnderTest, t: TestContext): Promise<void> {
  if (db.cannotList === true) return t.skip('it has no list')
  const listed: string[] = []
  for await (const name of db.auth.iterateUsers(AbortSignal.timeout(PATIENCE_MS))) listed.push(name)
  assert.deepEqual(
    listed.sort(),
    usersOf(db)
      .map(({ name }) => db.listedAs?.(name) ?? name)
      .sort(),
  )
}

async function survivesOutage(db: UserdbUnderTest, t: TestContext): Promise<void> {
  if (db.outage === undefined) return t.skip('it cannot go away')
  const [joe] = TEST_USERS
  assert.ok(joe)
  await db.outage.begin()
  await eventually(async () => {
    const found = await lookUp(db, joe)
    assert.notEqual(found.kind, 'unknown')
    return found.kind === 'temporary'
  })
  assert.equal((await lookUp(db, { ...joe, name: 'nobody' })).kind, 'temporary')
  await db.outage.end()
  await eventually(async () => {
    const found = await lookUp(db, joe)
    assert.notEqual(found.kind, 'unknown')
    return found.kind === 'found'
  })
}
