import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AuthOutcome } from './auth.ts'
import { fingerprintOf, readRevocation, type Revocation, Revocations } from './revocations.ts'
import { openAuthService } from './service.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { logIn, type LoginOptions, testAuthInput } from './testing/open-auth.ts'

const CONF = `auth_verbose = yes
auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  args = /masters
}
passdb {
  driver = passwd-file
  args = /users
}`
const FILES = { '/users': 'joe:{PLAIN}x\njane:{PLAIN}y::::::user=joe\n', '/masters': 'admin:{PLAIN}m\n' }

async function open(t: TestContext, conf = CONF) {
  const ended: Revocation[] = []
  const revocations = new Revocations((entry) => ended.push(entry))
  const { input, disk, log } = testAuthInput({ conf, files: FILES, clock: new FakeClock() })
  const clock = input.needs.clock as FakeClock
  const auth = await openAuthService({ ...input, needs: { ...input.needs, revocations } })
  t.after(() => auth.close())
  const never = new AbortController().signal
  return {
    revocations,
    ended,
    disk,
    log,
    clock,
    /** As `doveadm user revoke` does. */
    revoke: async (name: string, services: readonly string[] = ['imap', 'pop3']): Promise<string> => {
      const passwords: [string, Awaited<ReturnType<typeof fingerprintOf>>][] = []
      let found = name
      for (const service of services) {
        const { user, stored } = await auth.storedPassword(service, name, never)
        found = user
        if (stored !== undefined) passwords.push([service, await fingerprintOf(stored)])
      }
      revocations.apply({
        user: found,
        asked: name,
        atMs: Date.now(),
        revoked: true,
        passwords: Object.fromEntries(passwords),
      })
      return found
    },
    login: async (user: string, password: string, options: LoginOptions = {}): Promise<string> =>
      kindOf(await logIn(auth, user, password, options)),
  }
}

function kindOf(outcome: AuthOutcome): string {
  return outcome.kind === 'ok' ? 'ok' : outcome.why.kind
}

test('a revoked user is refused until somebody allows it again', async (t) => {
  const { login, revoke, revocations, log } = await open(t)
  await revoke('joe')
  assert.equal(await login('joe', 'x'), 'user-disabled')
  assert.match(log.join('\n'), /info auth: plain\(joe,198\.51\.100\.7,<sess>\): User is revoked/)
  assert.equal(await login('joe', 'wrong'), 'failed', 'a stranger learns nothing')
  revocations.apply({ user: 'joe', atMs: Date.now() + 1, revoked: false })
  assert.equal(await login('joe', 'x'), 'ok')
  assert.equal(revocations.isEmpty, true)
})

test('a changed password ends a revocation, once the databases have it', async (t) => {
  const { login, revoke, disk, clock, ended } = await open(t)
  await revoke('joe')
  assert.equal(await login('joe', 'x'), 'user-disabled')
  disk.write('/users', 'joe:{PLAIN}new\n')
  await clock.advance(2000)
  assert.equal(await login('joe', 'x'), 'failed')
  assert.equal(await login('joe', 'new'), 'ok')
  assert.deepEqual(
    ended.map(({ user, revoked }) => [user, revoked]),
    [['joe', false]],
  )
  assert.equal(await login('joe', 'new'), 'ok')
})

test('the same password in another scheme is another password: it was set again', async (t) => {
  const { login, revoke, disk, clock } = await open(t)
  await revoke('joe')
  disk.write('/users', 'joe:{PLAIN.HEX}78\n')
  await clock.advance(2000)
  assert.equal(await login('joe', 'x'), 'ok')
})

test('another name of the same user with another password is revoked with it, and ends nothing', async (t) => {
  const { login, revoke, ended } = await open(t)
  assert.equal(await revoke('joe'), 'joe')
  assert.equal(await login('jane', 'y'), 'user-disabled')
  assert.equal(ended.length, 0)
})

test('a name that leads to another one revokes that', async (t) => {
  const { login, revoke } = await open(t)
  assert.equal(await revoke('Jane'), 'joe')
  assert.equal(await login('joe', 'x'), 'user-disabled')
})

test('a user that no database knows is revoked all the same', async (t) => {
  const { revoke, revocations } = await open(t)
  assert.equal(await revoke('Nobody@Example.ORG'), 'nobody@example.org')
  assert.equal(revocations.revoked('nobody@example.org')?.revoked, true)
})

test('master users still reach a revoked user; a revoked master reaches nobody', async (t) => {
  const { login, revoke, revocations } = await open(t)
  await revoke('joe')
  assert.equal(await login('joe*admin', 'm'), 'ok')
  revocations.apply({ user: 'admin', atMs: Date.now(), revoked: true })
  assert.equal(await login('jane*admin', 'm'), 'authorization-failed')
})

const opaque: readonly [why: string, conf: string, services: readonly string[]][] = [
  ['a database that takes every password', 'passdb {\n  driver = static\n  args = nopassword=y\n}', ['imap']],
  ['a template with the password itself', 'passdb {\n  driver = static\n  args = password=%w\n}', ['imap']],
  ['a service that was not asked about', 'passdb {\n  driver = static\n  args = password=x\n}', ['pop3']],
]
for (const [why, conf, services] of opaque) {
  test(`only allow ends a revocation: ${why}`, async (t) => {
    const { login, revoke, ended } = await open(t, conf)
    await revoke('joe', services)
    assert.equal(await login('joe', 'x'), 'user-disabled')
    assert.equal(ended.length, 0)
  })
}

test('a database that is away ends no revocation', async (t) => {
  const { login, revoke, disk, clock, ended } = await open(t, CONF.replace('args = /users', 'args = /users%0u'))
  await revoke('joe')
  disk.faults.set('/users', 'EACCES')
  await clock.advance(2000)
  assert.notEqual(await login('joe', 'x'), 'ok')
  assert.equal(ended.length, 0)
})

test('of two entries the newer counts, in whichever order they come', () => {
  const revocations = new Revocations()
  assert.equal(revocations.apply({ user: 'joe', atMs: 2, revoked: false }), true)
  assert.equal(revocations.apply({ user: 'joe', atMs: 1, revoked: true }), false)
  assert.equal(revocations.isEmpty, true)
  assert.equal(revocations.apply({ user: 'joe', atMs: 3, revoked: true }), true)
  assert.equal(revocations.apply({ user: 'joe', atMs: 3, revoked: false }), false, 'a tie changes nothing')
  assert.equal(revocations.list().length, 1)
})

test('an entry survives the way through a file, and junk does not', async () => {
  const entry = {
    user: 'joe',
    asked: 'Joe',
    atMs: 5,
    revoked: true,
    passwords: { imap: await fingerprintOf('{PLAIN}x') },
  }
  assert.deepEqual(readRevocation(JSON.parse(JSON.stringify(entry))), entry)
  for (const junk of [
    null,
    5,
    [],
    {},
    { user: '', atMs: 1, revoked: true },
    { user: 'joe', atMs: '1', revoked: true },
    { user: 'joe', atMs: 1, revoked: 'yes' },
    { user: 'joe', atMs: Number.NaN, revoked: true },
  ]) {
    assert.equal(readRevocation(junk), undefined, JSON.stringify(junk))
  }
  assert.deepEqual(readRevocation({ user: 'joe', atMs: 1, revoked: true, passwords: { imap: 5, pop3: { salt: 1 } } }), {
    user: 'joe',
    atMs: 1,
    revoked: true,
    passwords: {},
  })
})

test('what is kept of a password is not the password, and differs each time', async () => {
  const first = await fingerprintOf('{PLAIN}secret')
  const second = await fingerprintOf('{PLAIN}secret')
  assert.notEqual(first.hash, second.hash)
  assert.doesNotMatch(JSON.stringify(first), /secret/)
})
