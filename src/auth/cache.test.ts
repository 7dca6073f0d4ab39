import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthOutcome } from './auth.ts'
import { AuthCache, cacheKey, keyVariables } from './cache.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { BLOCK, CACHE, openCounting } from './testing/counting-auth.ts'
import { testConnection } from './testing/open-auth.ts'

const never = new AbortController().signal
const MINUTE = 60_000

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

test('without a size nothing is kept', async (t) => {
  const db = await openCounting(t, '')
  db.users.set('joe', [['password', 's']])
  for (let i = 0; i < 3; i++) assert.equal((await db.login('joe', 's')).kind, 'ok')
  assert.equal(db.asked, 3)
  assert.equal(db.auth.flushCache(undefined), 0)
})

test('an answer is kept for its time, with its fields and the new name', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [
    ['password', 's'],
    ['host', '10.0.0.1'],
    ['user', 'jim'],
    ['gone', null],
  ])
  const first = await db.login('joe', 's')
  assert.deepEqual(await db.login('joe', 's'), first)
  assert.equal(first.kind === 'ok' && first.user, 'jim')
  assert.equal(db.asked, 1)
  await db.clock.advance(10 * MINUTE + 1)
  await db.login('joe', 's')
  assert.equal(db.asked, 2)
})

test('a wrong password is refused from the cache only when the last one was wrong, too', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [['password', 's']])
  await db.login('joe', 's')
  assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed')
  assert.equal(db.asked, 2, 'after a right one the password has probably been changed')
  assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed')
  assert.equal(db.asked, 2)
  await db.clock.advance(5 * MINUTE + 1)
  assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed')
  assert.equal(db.asked, 3, 'it has become too old to refuse')
})

test('a changed password is learnt at the first try', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [['password', 'old']])
  await db.login('joe', 'old')
  db.users.set('joe', [['password', 'new']])
  assert.equal(kindOf(await db.login('joe', 'new')), 'ok')
  assert.equal(kindOf(await db.login('joe', 'new')), 'ok')
  assert.equal(db.asked, 2)
})

test('an unknown user is remembered for the negative time, or not at all', async (t) => {
  const db = await openCounting(t, CACHE)
  for (let i = 0; i < 3; i++) assert.equal(kindOf(await db.login('nobody', 's')), 'failed')
  assert.equal(db.asked, 1)
  await db.clock.advance(5 * MINUTE + 1)
  await db.login('nobody', 's')
  assert.equal(db.asked, 2)
  const forgetful = await openCounting(t, `${CACHE}\nauth_cache_negative_ttl = 0`)
  for (let i = 0; i < 3; i++) await forgetful.login('nobody', 's')
  assert.equal(forgetful.asked, 3)
})

test('while the database is down old answers are used', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [['password', 's']])
  await db.login('joe', 's')
  await db.clock.advance(60 * MINUTE)
  db.isDown = true
  assert.equal(kindOf(await db.login('joe', 's')), 'ok')
  assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed')
  assert.equal(kindOf(await db.login('jane', 's')), 'temporary')
  assert.ok(db.log.some((line) => line.endsWith('Falling back to expired data from cache')))
})

test('nopassword is kept as such', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [
    ['password', null],
    ['nopassword', 'Y'],
    ['proxy', 'Y'],
  ])
  for (const password of ['a', 'b', 'c']) assert.equal(kindOf(await db.login('joe', password)), 'ok')
  assert.equal(db.asked, 1)
})

test('fields that decide, decide anew', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [
    ['password', 's'],
    ['allow_nets', '198.51.100.0/24'],
  ])
  assert.equal(kindOf(await db.login('joe', 's')), 'ok')
  const elsewhere = { connection: { remote: { ip: '203.0.113.1', port: 1 } } }
  assert.equal(kindOf(await db.login('joe', 's', elsewhere)), 'failed')
  assert.equal(db.asked, 1)
})

test('a database that verifies itself has the right password kept as a hash', async (t) => {
  const db = await openCounting(t, CACHE, BLOCK.replace('args = x', 'args = verifies'))
  db.users.set('joe', [
    ['password', 's'],
    ['host', 'h'],
  ])
  assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed')
  for (let i = 0; i < 3; i++) {
    const outcome = await db.login('joe', 's')
    assert.equal(outcome.kind === 'ok' && outcome.fields.get('host'), 'h')
  }
  assert.equal(db.asked, 2)
  assert.equal(kindOf(await db.login('joe', 'wrong')), 'failed')
})

test('what is not decided yet is not kept: noauthenticate, broken answers', async (t) => {
  const db = await openCounting(t, CACHE, BLOCK.replace('userdb', 'passdb {\n  driver = sql\n  args = z\n}\nuserdb'))
  db.users.set('joe', [
    ['password', null],
    ['noauthenticate', ''],
  ])
  await db.login('joe', 's')
  await db.login('joe', 's')
  assert.equal(db.asked, 4)
  db.isDown = true
  await db.login('ann', 's')
  db.isDown = false
  db.users.set('ann', [['password', 's']])
  assert.equal(kindOf(await db.login('ann', 's')), 'ok')
})

test('lookups without a password use the same answers', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [
    ['password', 's'],
    ['host', 'h'],
  ])
  await db.login('joe', 's')
  const found = await db.auth.lookupPassdb(testConnection, 'joe', never)
  assert.equal(found.kind === 'found' && found.fields.get('host'), 'h')
  assert.equal(db.asked, 1)
})

test('userdb answers are kept apart from passdb answers', async (t) => {
  const db = await openCounting(t, CACHE)
  db.users.set('joe', [
    ['home', '/h'],
    ['user', 'jim'],
  ])
  const first = await db.auth.lookupUser(testConnection, 'joe', new Map(), never)
  const second = await db.auth.lookupUser(testConnection, 'joe', new Map(), never)
  assert.deepEqual(second, first)
  assert.equal(second.kind === 'found' && `${second.user} ${second.fields.get('home')}`, 'jim /h')
  assert.equal(db.asked, 1)
  db.isDown = true
  await db.clock.advance(60 * MINUTE)
  assert.equal((await db.auth.lookupUser(testConnection, 'joe', new Map(), never)).kind, 'found')
  assert.equal((await db.auth.lookupUser(testConnection, 'jane', new Map(), never)).kind, 'temporary')
})

test('one user is forgotten, or everybody', async (t) => {
  const db = await openCounting(t, CACHE)
  for (const user of ['joe', 'jane', 'jim'])
    db.users.set(user, [
      ['password', 's'],
      ['user', `${user}@example.org`],
    ])
  for (const user of ['joe', 'jane', 'jim']) await db.login(user, 's')
  assert.equal(db.auth.flushCache(['joe', 'jane@example.org', 'nobody']), 2)
  assert.equal(db.auth.flushCache(undefined), 1)
  assert.equal(db.auth.flushCache(undefined), 0)
})

test('a key has what the query asks for: nothing is one answer for all', async (t) => {
  const db = await openCounting(t, CACHE, BLOCK, 'SELECT everything')
  db.users.set('joe', [
    ['password', 's'],
    ['host', 'joes'],
  ])
  await db.login('joe', 's')
  const outcome = await db.login('jane', 's')
  assert.equal(outcome.kind === 'ok' && outcome.fields.get('host'), 'joes')
  assert.equal(db.asked, 1)
})

test('the cache stays within its size and forgets the oldest', () => {
  const cache = new AuthCache({ sizeBytes: 4096, ttlMs: MINUTE, negativeTtlMs: MINUTE }, new FakeClock())
  for (let i = 0; i < 1000; i++) {
    const question = { key: `P1\tuser${i}`, isFlushed: false, told: undefined }
    cache.put(question, { kind: 'found', password: '{PLAIN}x', fields: [] }, [`user${i}`], true)
  }
  assert.equal(cache.find('P1\tuser0'), undefined)
  assert.ok(cache.find('P1\tuser999'))
  assert.ok(cache.flush(undefined) < 40)
})

const variables: [query: string[], expected: string[]][] = [
  [['user'], ['user']],
  [['username', 'domain'], ['user']],
  [['username'], ['username']],
  [
    ['user', 'domain', 'service'],
    ['service', 'user'],
  ],
  [[], []],
]

for (const [query, expected] of variables) {
  test(`the key of a query with ${query.join(', ') || 'no variables'}`, () => {
    assert.deepEqual(keyVariables(query), expected)
  })
}

test('no value can look like two, and no key has a password in clear', () => {
  const lookup = (values: Readonly<Record<string, string>>) => (name: string) => values[name]
  const one = cacheKey('P1', ['service', 'user'], '', lookup({ service: 'imap\tx', user: 'y' }))
  const other = cacheKey('P1', ['service', 'user'], '', lookup({ service: 'imap', user: 'x\ty' }))
  assert.notEqual(one, other)
  assert.notEqual(
    cacheKey('P1', ['user'], 'admin', lookup({ user: 'joe' })),
    cacheKey('P1', ['user'], '', lookup({ user: 'joe' })),
  )
  assert.doesNotMatch(cacheKey('P1', ['password'], '', lookup({ password: 'topsecret' })), /topsecret/)
})
