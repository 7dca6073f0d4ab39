import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import type { AuthFiles } from '../needs.ts'
import { openAuthService } from '../service.ts'
import { openSystemUsers, usersFromFiles } from '../system-users.ts'
import { openTestAuth, testAuthInput, testConnection } from '../testing/open-auth.ts'
import { systemAuthNeeds } from '../testing/system.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'
import { replyFor } from './passwd.ts'
import type { PassdbDriver } from './passdb.ts'

const disk = systemAuthNeeds({ emit: () => undefined, log: () => undefined }).files

const accounts = readFileSync('/etc/passwd', 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.split(':'))

test('the C library and the files agree on every account, all asked at once', async () => {
  const library = openSystemUsers(disk)
  const files = usersFromFiles(disk)
  await Promise.all(
    accounts.map(async ([name = '']) => {
      const found = await library.user(name)
      assert.deepEqual(found, await files.user(name))
      assert.equal(found?.name, name)
    }),
  )
  for (const name of ['nobody-here', '', 'root\0x', 'ünknown', 'x'.repeat(5000), '../root', '%s%n'])
    assert.equal(await library.user(name), undefined, name)
})

test('shadow entries are those of the file', {
  skip: process.geteuid?.() === 0 ? false : 'only root may read them',
}, async () => {
  const library = openSystemUsers(disk)
  const files = usersFromFiles(disk)
  for (const [name = ''] of accounts) assert.deepEqual(await library.shadow(name), await files.shadow(name))
})

/** The passdb over a file of our own: test accounts are not for the system's. */
function fileAccounts(files: AuthFiles): PassdbDriver {
  const users = usersFromFiles(files)
  return {
    name: 'passwd',
    open: () => ({
      defaultScheme: 'CRYPT',
      lookup: async (request) => replyFor(request, await users.user(request.user)),
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  }
}

passdbSuite({
  name: 'passwd',
  async open() {
    const passwords = new Map(TEST_USERS.map(({ name, password }) => [name, password]))
    let isDown = false
    const files: AuthFiles = {
      stat: () => Promise.reject(new Error('nobody asks')),
      read: () =>
        isDown
          ? Promise.reject(new Error('disk'))
          : Promise.resolve(
              Buffer.from([...passwords].map(([name, password]) => `${name}:{PLAIN}${password}:1:1::/:\n`).join('')),
            ),
    }
    const opened = await openTestAuth({
      conf: 'auth_username_chars =\npassdb {\n  driver = passwd\n  override_fields = host=10.0.0.1\n}',
      input: { passdbDrivers: [fileAccounts(files)] },
    })
    return {
      ...opened,
      sharesHost: true,
      cannotHold: (name) => /[:\n]/.test(name),
      changePassword: (name, password) => Promise.resolve(void passwords.set(name, password)),
      outage: {
        begin: () => Promise.resolve(void (isDown = true)),
        end: () => Promise.resolve(void (isDown = false)),
      },
    }
  },
})

test('accounts without a password cannot log in, with none either', async (t) => {
  const rows = ['a::1:1::/:', 'b:*:1:1::/:', 'c:!:1:1::/:', 'd:!$1$x$y:1:1::/:', 'e:x:1:1::/:']
  const files: AuthFiles = {
    stat: () => Promise.reject(new Error('nobody asks')),
    read: () => Promise.resolve(Buffer.from(rows.join('\n'))),
  }
  const db = await openTestAuth({
    conf: 'passdb {\n  driver = passwd\n}',
    input: { passdbDrivers: [fileAccounts(files)] },
  })
  t.after(() => db.auth.close())
  for (const user of ['a', 'b', 'c', 'd', 'e'])
    for (const password of ['', '*', '!', 'x']) {
      const outcome = await db.login(user, password)
      assert.equal(outcome.kind === 'refused' && outcome.why.kind, 'failed', `${user} ${password}`)
    }
})

test('real accounts by passwd and shadow: nobody gets in without a password, and the userdb knows the home', async (t) => {
  const db = await openTestAuth({
    conf: 'auth_verbose = yes\npassdb {\n  driver = passwd\n}\npassdb {\n  driver = shadow\n  args = blocking=no\n}\nuserdb {\n  driver = passwd\n}',
    disk,
  })
  t.after(() => db.auth.close())
  for (const password of ['', 'x', '*']) assert.equal((await db.login('daemon', password)).kind, 'refused')
  const found = await db.auth.lookupUser(testConnection, 'daemon', undefined, AbortSignal.timeout(PATIENCE_MS))
  const [, , uid, gid, , home] = accounts.find(([name]) => name === 'daemon') ?? []
  assert.ok(found.kind === 'found')
  assert.deepEqual([found.fields.get('uid'), found.fields.get('gid'), found.fields.get('home')], [uid, gid, home])
  const unknown = await db.auth.lookupUser(testConnection, 'nobody-here', undefined, AbortSignal.timeout(PATIENCE_MS))
  assert.equal(unknown.kind, 'unknown')
})

test('args but blocking= are refused', async () => {
  const { input } = testAuthInput({ conf: 'passdb {\n  driver = shadow\n  args = fast=yes\n}' })
  await assert.rejects(openAuthService(input), { message: /Unknown setting: fast=yes/ })
})
