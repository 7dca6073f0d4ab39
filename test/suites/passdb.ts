// What every passdb owes. A driver's test calls `passdbSuite` with a way to open itself over the users below.
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { AuthOutcome } from '../../src/auth/auth.ts'
import { testConnection, type TestAuth } from '../../src/auth/testing/open-auth.ts'
import { PATIENCE_MS } from '../support/deadline.ts'

export interface TestUser {
  readonly name: string
  readonly password: string
  /** The value of the extra field `host`. */
  readonly host: string
}

/** Names that mean something to one database or another. Lower case, since auth_username_format is. */
const HOSTILE_NAMES = [
  "o'neil",
  'quo"te',
  'both\'"quotes',
  'back\\slash',
  "back\\'slash",
  'ends with backslash\\',
  'per%cent%u%%',
  '%{passdb:host}',
  'dollar$1$$x$$',
  'semi;colon--comment/*',
  "'; drop table users; --",
  "' or '1'='1",
  "\\' or 1=1 -- ",
  '$(id)`id`',
  'ünïcödé@exämple.org',
  '日本語',
  '😀@example.org',
  'nbsp\u00a0name',
  'double  blank',
  '*(uid=*)',
  'a'.repeat(255),
]

export const TEST_USERS: readonly TestUser[] = ['joe', 'jane@example.org', ...HOSTILE_NAMES].map((name, index) => ({
  name,
  password: `secret${index}`,
  host: `10.0.0.${index + 1}`,
}))

/** Users that no database has; some would be found by a careless query. */
const UNKNOWN_NAMES = [
  'nobody',
  'jo',
  'joe ',
  "joe' -- ",
  "x' or 'a'='a",
  '%',
  '_oe',
  '*',
  'constructor',
  '__proto__',
  '\\',
  "'",
  '"',
  'joe\u0000x',
]

/** A passdb opened over TEST_USERS, as far as it can hold them. */
export interface PassdbUnderTest extends TestAuth {
  /** Everybody may log in: there are no unknown users. */
  readonly knowsEverybody?: boolean
  /** It has no fields of its own: everybody's `host` is the first user's. */
  readonly sharesHost?: boolean
  /** It checks passwords itself, and answers nothing without one. */
  readonly cannotLookUp?: boolean
  /** Names the database cannot hold, e.g. with a colon. */
  readonly cannotHold?: (name: string) => boolean
  /** Takes the database away, and brings it back. Absent: it cannot go away. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> }
  /** Makes the database hang, and go on. */
  readonly hang?: { begin(): void; end(): void }
  /** Changes a user's password while the service runs. */
  readonly changePassword?: (name: string, password: string) => Promise<void>
}

/** Registers what is to be undone when the tests are over; the last first. */
export type Cleanup = (undo: () => unknown) => void

export interface PassdbFixture {
  readonly name: string
  readonly skip?: false | string
  /** Opens it with empty auth_username_chars. */
  readonly open: (cleanup: Cleanup) => Promise<PassdbUnderTest>
}

/** So many log in at once; the first crowd of whom nobody waits too long is enough. Also the last is more than are asked about at a time. */
const CROWDS = [400, 200, 100, 50]
/** How long a database may take to be found again. */
const RECOVERY_MS = PATIENCE_MS
/** So long a query waits for an answer. */
const QUERY_MS = 6_000
/** A login during a hang is answered by then. */
const HANG_MS = QUERY_MS + 2_000

const duties: readonly [title: string, run: (db: PassdbUnderTest, t: TestContext) => Promise<void>][] = [
  ['lets every user in with the right password, with their own fields', letsEveryoneIn],
  ['refuses wrong passwords', refusesWrongPasswords],
  ['refuses users it does not know', refusesUnknownUsers],
  ['finds users without a password', findsWithoutPassword],
  ['answers many at once, each with their own', answersManyAtOnce],
  ['sees a changed password', seesChanges],
  ['an outage is no wrong password, and ends by itself', survivesOutage],
  ['a hanging database is a temporary failure in time', survivesHang],
  ['a client that leaves does not wait', doesNotWaitForNobody],
]

export function passdbSuite({ name, skip = false, open }: PassdbFixture): void {
  describe(`passdb ${name}`, { skip }, () => {
    const undo: (() => unknown)[] = []
    let db: PassdbUnderTest | undefined
    // One database serves all tests.
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

function usersOf({ cannotHold = () => false }: PassdbUnderTest): readonly TestUser[] {
  return TEST_USERS.filter(({ name }) => !cannotHold(name))
}

async function letsEveryoneIn(db: PassdbUnderTest): Promise<void> {
  for (const { name, password, host } of usersOf(db)) {
    const outcome = await db.login(name, password)
    assert.equal(outcome.kind, 'ok', `${name}: ${JSON.stringify(outcome)} ${db.log.at(-1)}`)
    if (outcome.kind === 'ok') {
      assert.equal(outcome.user, name)
      assert.equal(
        outcome.fields.get('host'),
        db.knowsEverybody === true || db.sharesHost === true ? TEST_USERS[0]?.host : host,
        name,
      )
      assert.equal(outcome.fields.has('password'), false)
    }
  }
}

async function refusesWrongPasswords(db: PassdbUnderTest): Promise<void> {
  for (const [index, { name, password }] of usersOf(db).entries()) {
    const other = usersOf(db)[index + 1]?.password ?? 'x'
    for (const wrong of ['', `${password} `, password.toUpperCase(), other, "' or '1'='1", '{PLAIN}']) {
      assert.deepEqual(whyRefused(await db.login(name, wrong)), 'failed', `${name} with ${JSON.stringify(wrong)}`)
    }
  }
}

async function refusesUnknownUsers(db: PassdbUnderTest, t: TestContext): Promise<void> {
  if (db.knowsEverybody === true) return t.skip('everybody is known here')
  for (const name of UNKNOWN_NAMES) {
    assert.equal(whyRefused(await db.login(name, 'secret0')), 'failed', name)
    if (db.cannotLookUp === true) continue
    assert.equal(
      (await db.auth.lookupPassdb(testConnection, name, AbortSignal.timeout(PATIENCE_MS))).kind,
      'unknown',
      name,
    )
  }
}

async function findsWithoutPassword(db: PassdbUnderTest, t: TestContext): Promise<void> {
  if (db.cannotLookUp === true) return t.skip('it tells nothing without a password')
  for (const { name, host } of usersOf(db)) {
    const found = await db.auth.lookupPassdb(testConnection, name, AbortSignal.timeout(PATIENCE_MS))
    assert.equal(found.kind, 'found', `${name}: ${db.log.at(-1)}`)
    if (found.kind === 'found' && db.knowsEverybody !== true && db.sharesHost !== true)
      assert.equal(found.fields.get('host'), host)
  }
}

async function answersManyAtOnce(db: PassdbUnderTest): Promise<void> {
  for (const count of CROWDS) {
    if (await answersCrowd(db, count)) return
    // Those who came too late for an answer have been told so; the next ones come to a database at rest.
    await eventually(async () => (await db.login('joe', 'secret0')).kind === 'ok')
  }
  assert.fail(`somebody waits too long in a crowd of ${CROWDS.at(-1)}: ${db.log.at(-1)}`)
}

/** Everybody gets an answer of their own, and none that is wrong. False when the machine is too busy to give it to all in time. */
async function answersCrowd(db: PassdbUnderTest, count: number): Promise<boolean> {
  const users = usersOf(db)
  const logins = Array.from({ length: count }, async (_, index) => {
    const user = users[index % users.length]
    assert.ok(user)
    const isRight = index % 3 !== 0
    const outcome = await db.login(user.name, isRight ? user.password : 'wrong')
    if (whyRefused(outcome) === 'temporary') return false
    assert.equal(outcome.kind, isRight ? 'ok' : 'refused', `${user.name} ${db.log.at(-1)}`)
    if (outcome.kind === 'ok') assert.equal(outcome.user, user.name)
    else assert.equal(whyRefused(outcome), 'failed')
    return true
  })
  return (await Promise.all(logins)).every(Boolean)
}

async function seesChanges(db: PassdbUnderTest, t: TestContext): Promise<void> {
  if (db.changePassword === undefined) return t.skip('its passwords are in the configuration')
  await db.changePassword('joe', 'changed')
  await eventually(async () => (await db.login('joe', 'changed')).kind === 'ok')
  assert.equal(whyRefused(await db.login('joe', 'secret0')), 'failed')
  await db.changePassword('joe', 'secret0')
  await eventually(async () => (await db.login('joe', 'secret0')).kind === 'ok')
}

async function survivesOutage(db: PassdbUnderTest, t: TestContext): Promise<void> {
  if (db.outage === undefined) return t.skip('it cannot go away')
  await db.outage.begin()
  const before = db.log.length
  // A change may take a moment to be seen; it must never look like a wrong password.
  await eventually(async () => {
    const outcome = await db.login('joe', 'secret0')
    assert.notEqual(whyRefused(outcome), 'failed')
    return outcome.kind === 'refused'
  })
  for (const password of ['secret0', 'wrong']) {
    assert.equal(whyRefused(await db.login('joe', password)), 'temporary', password)
    assert.equal(whyRefused(await db.login('nobody', password)), 'temporary', password)
  }
  const lookup = await db.auth.lookupPassdb(testConnection, 'joe', AbortSignal.timeout(PATIENCE_MS))
  assert.deepEqual(lookup, { kind: 'refused', why: { kind: 'temporary' } })
  assert.ok(
    db.log.slice(before).some((line) => line.startsWith('error ')),
    'the log says nothing',
  )
  await db.outage.end()
  await eventually(async () => {
    const outcome = await db.login('joe', 'secret0')
    assert.notEqual(whyRefused(outcome), 'failed')
    return outcome.kind === 'ok'
  })
}

async function survivesHang(db: PassdbUnderTest, t: TestContext): Promise<void> {
  if (db.hang === undefined) return t.skip('it cannot hang')
  db.hang.begin()
  try {
    const started = performance.now()
    const leaving = AbortSignal.timeout(HANG_MS)
    const logins = Array.from({ length: 20 }, () => db.login('joe', 'secret0', { signal: leaving }))
    for (const outcome of await Promise.all(logins)) assert.equal(whyRefused(outcome), 'temporary')
    assert.ok(performance.now() - started < HANG_MS + 15_000)
  } finally {
    db.hang.end()
  }
  await eventually(async () => (await db.login('joe', 'secret0')).kind === 'ok')
}

async function doesNotWaitForNobody(db: PassdbUnderTest, t: TestContext): Promise<void> {
  if (db.hang === undefined) return t.skip('it cannot hang')
  db.hang.begin()
  try {
    const leaving = new AbortController()
    const login = db.login('joe', 'secret0', { signal: leaving.signal })
    leaving.abort()
    const started = performance.now()
    assert.equal((await login).kind, 'refused')
    // Whoever waits for the answer waits for as long as the query does.
    assert.ok(performance.now() - started < QUERY_MS - 1000)
  } finally {
    db.hang.end()
  }
  await eventually(async () => (await db.login('joe', 'secret0')).kind === 'ok')
}

function whyRefused(outcome: AuthOutcome): string {
  return outcome.kind === 'refused' ? outcome.why.kind : outcome.kind
}

/** Asks again until it is so, for a while: databases come back in their own time. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + RECOVERY_MS
  while (!(await isSo())) {
    assert.ok(performance.now() < until, 'it never came to be so')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
