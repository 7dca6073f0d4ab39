import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { PENALTY, penaltyFingerprint, penaltyNetwork, PenaltyTable } from './penalty.ts'
import { openAuthService } from './service.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { logIn, type LoginOptions, testAuthInput } from './testing/open-auth.ts'

const KEY = Buffer.alloc(32, 7)
const IP = '198.51.100.7'

const USERS = { '/users': 'joe:{PLAIN}x\nlazy:{PLAIN}x::::::nodelay\n' }
const CONF = 'auth_verbose = yes\npassdb {\n  driver = passwd-file\n  args = /users\n}'

async function openPenalised(t: TestContext, conf = CONF) {
  const clock = new FakeClock()
  const table = new PenaltyTable(clock)
  const { input } = testAuthInput({ conf, files: USERS, clock })
  const auth = await openAuthService({ ...input, needs: { ...input.needs, penalties: { table, key: KEY } } })
  t.after(() => auth.close())
  /** How long a login took, and how it ended. */
  async function login(user: string, password: string, options: LoginOptions = {}): Promise<[number, string]> {
    const startedMs = clock.now()
    let done: string | undefined
    void logIn(auth, user, password, options).then((outcome) => {
      done = outcome.kind === 'ok' ? 'ok' : outcome.why.kind
    })
    for (let secs = 0; done === undefined && secs < 40; secs++) await clock.advance(secs === 0 ? 0 : 1000)
    return [clock.now() - startedMs, done ?? 'waits']
  }
  return { clock, table, auth, login }
}

test('each failure makes the next login wait longer: 4, 8, 15, 15 seconds', async (t) => {
  const { login } = await openPenalised(t)
  const waits: number[] = []
  for (let count = 0; count < 6; count++) waits.push((await login('joe', `wrong${count}`))[0])
  assert.deepEqual(waits, [0, 4000, 8000, 15_000, 15_000, 15_000])
})

test('a right password waits, too, and then all is forgiven', async (t) => {
  const { login, table } = await openPenalised(t)
  await login('joe', 'wrong')
  assert.deepEqual(await login('joe', 'x'), [4000, 'ok'])
  assert.equal(table.level(IP), 0)
  assert.deepEqual(await login('joe', 'x'), [0, 'ok'])
  assert.equal(table.list()[0]?.level, 0, 'as doveadm penalty shows it')
})

test('the same name with the same wrong password counts once: a forgotten device is no attack', async (t) => {
  const { login } = await openPenalised(t)
  for (const expected of [0, 4000, 4000, 4000]) assert.equal((await login('joe', 'old'))[0], expected)
  assert.equal((await login('joe', 'other'))[0], 4000)
  assert.equal((await login('joe', 'old'))[0], 8000)
})

test('of eleven different passwords the first is new again', () => {
  const table = new PenaltyTable(new FakeClock())
  for (let print = 1; print <= 11; print++) table.failed(IP, 0, print)
  table.apply({ network: IP, level: 3, fingerprint: 2 })
  assert.equal(table.level(IP), 1, 'number 2 is still remembered')
  table.apply({ network: IP, level: 3, fingerprint: 1 })
  assert.equal(table.level(IP), 3)
})

test('a login without a password to see always counts', () => {
  const table = new PenaltyTable(new FakeClock())
  for (const level of [1, 2, 3, 4, 4]) {
    table.failed(IP, table.level(IP), 0)
    assert.equal(table.level(IP), level)
  }
})

test('after 15 quiet seconds the level is 0, after 29 the network is forgotten', async () => {
  const clock = new FakeClock()
  const table = new PenaltyTable(clock)
  table.failed(IP, 3, 5)
  await clock.advance(14_999)
  assert.equal(table.level(IP), 4)
  await clock.advance(1)
  assert.equal(table.level(IP), 0)
  assert.equal(table.list().length, 1)
  await clock.advance(14_000)
  assert.equal(table.list().length, 0)
})

test('logins that began together raise it together, once', () => {
  const table = new PenaltyTable(new FakeClock())
  for (const fingerprint of [1, 2, 3, 4, 5]) table.failed(IP, 0, fingerprint)
  assert.equal(table.level(IP), 1)
})

/** The first database finds the user and sets nodelay, the second one refuses the password. */
const NODELAY = `passdb {
  driver = passwd-file
  args = /users
  result_success = continue
  override_fields = nodelay
}
passdb {
  driver = static
  args = fail nopassword
}`

test('nodelay failures do not count', async (t) => {
  const { login, table } = await openPenalised(t, NODELAY)
  assert.equal((await login('lazy', 'x'))[1], 'failed')
  assert.equal(table.list().length, 0)
})

test("an outage is not counted: it is nobody's fault", async (t) => {
  const down = 'passdb {\n  driver = passwd-file\n  args = /missing/%w%{nosuch}\n}'
  const { login, table } = await openPenalised(t, down)
  assert.equal((await login('joe', 'wrong'))[1], 'temporary')
  assert.equal(table.list().length, 0)
})

test('clients without an address are not counted, trusted and local ones are', async (t) => {
  const { login, table } = await openPenalised(t)
  await login('joe', 'wrong', { connection: { remote: { ip: '', port: 0 } } })
  assert.equal(table.list().length, 0)
  await login('joe', 'wrong', { connection: { remote: { ip: '127.0.0.1', port: 1 }, secured: 'secured' } })
  assert.equal(table.level('127.0.0.1'), 1)
})

test('anvil-auth-penalty with mode 0 switches it off', async (t) => {
  const off = 'service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n'
  const { login, table } = await openPenalised(t, off + CONF)
  await login('joe', 'wrong')
  assert.equal(table.list().length, 0)
  assert.deepEqual(await login('joe', 'wrong'), [0, 'failed'])
})

test('who leaves does not wait', async (t) => {
  const { clock, table, auth } = await openPenalised(t)
  table.failed(IP, 3, 0)
  const leaving = new AbortController()
  const login = logIn(auth, 'joe', 'x', { signal: leaving.signal })
  await clock.advance(10)
  leaving.abort()
  await login
  assert.equal(clock.timers, 0)
})

const networks: readonly [ip: string, network: string | undefined, why: string][] = [
  ['192.0.2.1', '192.0.2.1', 'each IPv4 address by itself'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::', 'a /48 of IPv6'],
  ['2001:db8:1:ffff::', '2001:db8:1::', 'the same /48'],
  ['2001:db8:2::1', '2001:db8:2::', 'another /48'],
  ['::ffff:192.0.2.1', '192.0.2.1', 'IPv4 in disguise'],
  ['::1', '::', 'as Dovecot'],
  ['', undefined, 'no address'],
  ['junk', undefined, 'no address either'],
]
for (const [ip, network, why] of networks) {
  test(`'${ip}' is penalised as ${network}: ${why}`, () => assert.equal(penaltyNetwork(ip), network))
}

test('what one process sees, the others apply; a new one loads the list', async () => {
  const clock = new FakeClock()
  const second = new PenaltyTable(clock)
  const first = new PenaltyTable(clock, (change) => second.apply(change))
  first.failed(IP, 0, 11)
  first.failed(IP, 1, 12)
  first.failed('192.0.2.1', 0, 0)
  assert.deepEqual(second.list(), first.list())
  await clock.advance(2000)
  const late = new PenaltyTable(clock)
  late.load(JSON.parse(JSON.stringify(first.list())) as ReturnType<typeof first.list>)
  assert.deepEqual(late.list(), first.list())
  late.apply({ network: IP, level: 3, fingerprint: 12 })
  assert.equal(late.level(IP), 2, 'it knows the fingerprints')
  first.forgive(IP)
  assert.equal(second.level(IP), 0)
})

test('a table has a limit', () => {
  const table = new PenaltyTable(new FakeClock())
  for (let count = 0; count < PENALTY.networks + 10; count++) {
    table.failed(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`, 0, 0)
  }
  assert.equal(table.list().length, PENALTY.networks)
  assert.equal(table.level('10.0.0.0'), 0, 'the oldest went')
})

test('a clock that was set back keeps nobody waiting', async () => {
  let nowMs = 1_000_000
  const table = new PenaltyTable({ now: () => nowMs })
  table.failed(IP, 3, 0)
  nowMs -= 500_000
  assert.equal(table.level(IP), 0)
  assert.equal(table.list().length, 0)
})

test('a fingerprint depends on key, name and password, has 16 bits, and is never 0', () => {
  const print = penaltyFingerprint(KEY, 'joe', Buffer.from('a'))
  assert.equal(penaltyFingerprint(KEY, 'joe', Buffer.from('a')), print)
  assert.notEqual(penaltyFingerprint(KEY, 'joe', Buffer.from('b')), print)
  assert.notEqual(penaltyFingerprint(KEY, 'jane', Buffer.from('a')), print)
  assert.notEqual(penaltyFingerprint(Buffer.alloc(32, 8), 'joe', Buffer.from('a')), print)
  for (let count = 0; count < 200; count++) {
    const other = penaltyFingerprint(KEY, `u${count}`, Buffer.from(''))
    assert.ok(other > 0 && other <= 0xffff)
  }
})
