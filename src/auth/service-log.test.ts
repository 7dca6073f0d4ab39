import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../util/secret.ts'
import { openTestAuth, type OpenOptions, testConnection } from './testing/open-auth.ts'
import { block, refusal, users, verbose } from './testing/service-options.ts'

const joe = 'passwd-file(joe,198.51.100.7,<sess>)'

const logs: { why: string; options: OpenOptions; user?: string; password?: string; expected: string[] }[] = [
  { why: 'nothing by default', options: users('joe:{PLAIN}s'), password: 'x', expected: [] },
  {
    why: 'auth_verbose',
    options: verbose('auth_verbose = yes', 'joe:{PLAIN}s'),
    password: 'x',
    expected: [`info auth: ${joe}: Password mismatch`],
  },
  {
    why: 'auth_verbose_passwords = plain',
    options: verbose('auth_verbose_passwords = plain', 'joe:{PLAIN}s'),
    password: 'wrong',
    expected: [`info auth: ${joe}: Password mismatch (given password: wrong)`],
  },
  {
    why: 'auth_verbose_passwords = sha1:6',
    options: verbose('auth_verbose_passwords = sha1:6', 'joe:{PLAIN}s'),
    password: 'wrong',
    expected: [`info auth: ${joe}: Password mismatch (SHA1 of given password: a4b48a)`],
  },
  {
    why: 'an unknown user',
    options: verbose('auth_verbose = yes', 'joe:{PLAIN}s'),
    user: 'jane',
    expected: ['info auth: passwd-file(jane,198.51.100.7,<sess>): unknown user'],
  },
  {
    why: 'a bad name',
    options: verbose('auth_verbose = yes', 'joe:{PLAIN}s'),
    user: 'a b',
    expected: [
      'info auth: plain(?,198.51.100.7,<sess>): Username character disallowed by auth_username_chars: 0x20 (username: a b)',
    ],
  },
  {
    why: 'a bad password',
    options: verbose('auth_verbose = yes', 'joe:{PLAIN}s'),
    password: 'a\tb',
    expected: ['info auth: plain(joe,198.51.100.7,<sess>): Attempted login with password having illegal chars'],
  },
  {
    why: 'allow_nets',
    options: verbose('auth_verbose = yes', 'joe:{PLAIN}s:::::: allow_nets=10.0.0.0/8'),
    expected: [`info auth: ${joe}: allow_nets check failed: IP 198.51.100.7 not in allowed networks`],
  },
  { why: 'errors always', options: users('joe:{NOSUCH}s'), expected: [`error auth: ${joe}: Unknown scheme NOSUCH`] },
  {
    why: 'all skipped',
    options: { ...users(), conf: block('passdb', 'passwd-file', '/users', 'mechanisms = cram-md5') },
    expected: ['error auth: plain(joe,198.51.100.7,<sess>): All password databases were skipped'],
  },
  {
    why: 'every step with auth_debug, without secrets',
    options: verbose('auth_debug = yes', 'joe:{PLAIN}s'),
    expected: [
      'debug auth: passwd-file /users:Read 1 users',
      `debug auth: ${joe}: Performing passdb lookup`,
      `debug auth: ${joe}: lookup: user=joe file=/users`,
      `debug auth: ${joe}: Finished passdb lookup`,
    ],
  },
  {
    why: 'auth_debug_passwords',
    options: verbose('auth_debug_passwords = yes', 'joe:{PLAIN}s'),
    password: 'x',
    expected: [
      'debug auth: passwd-file /users:Read 1 users',
      `debug auth: ${joe}: Performing passdb lookup`,
      `debug auth: ${joe}: lookup: user=joe file=/users`,
      `info auth: ${joe}: Password mismatch`,
      `debug auth: ${joe}: PLAIN(x) != 's'`,
      `debug auth: ${joe}: Finished passdb lookup`,
    ],
  },
  {
    why: "a label in place of the driver, and the block's own auth_verbose",
    options: {
      ...users('joe:{PLAIN}s'),
      conf:
        block('passdb first', 'passwd-file', '/users', 'auth_verbose = yes') + block('passdb', 'static', 'password=y'),
    },
    password: 'x',
    expected: ['info auth: first(joe,198.51.100.7,<sess>): Password mismatch'],
  },
]

for (const { why, options, user = 'joe', password = 's', expected } of logs) {
  test(`the log of a login: ${why}`, async (t) => {
    const db = await openTestAuth(options)
    t.after(() => db.auth.close())
    await db.login(user, password)
    assert.deepEqual(db.log, expected)
  })
}

test('a format of names that cannot be expanded is an error of ours, never an unknown user', async (t) => {
  const db = await openTestAuth({ ...verbose('auth_username_format = %{nosuch}', 'joe:{PLAIN}s') })
  t.after(() => db.auth.close())
  const never = new AbortController().signal
  assert.deepEqual(refusal(await db.login('joe', 's')), { kind: 'temporary' })
  assert.deepEqual(await db.auth.lookupPassdb(testConnection, 'joe', never), {
    kind: 'refused',
    why: { kind: 'temporary' },
  })
  assert.deepEqual(await db.auth.lookupUser(testConnection, 'joe', undefined, never), { kind: 'temporary' })
  const text = "Failed to expand username_format=%{nosuch}: Unknown variable '%nosuch'"
  assert.ok(db.log.includes(`error auth: plain(?,198.51.100.7,<sess>): ${text}`))
  assert.equal(db.log.filter((line) => line.endsWith(text)).length, 3)
})

test('a stored password that makes no sense is an error in the log for challenge mechanisms, too', async (t) => {
  const db = await openTestAuth({
    ...users('joe:{NOSUCH}s', 'jane:{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='),
    conf: `auth_mechanisms = plain cram-md5\n${users().conf}`,
  })
  t.after(() => db.auth.close())
  for (const user of ['joe', 'jane']) await db.login(user, 's', { mechanism: 'CRAM-MD5' })
  assert.deepEqual(db.log, [`error auth: ${joe}: Unknown scheme NOSUCH`])
})

test('LOGIN asks nobody for a password whose name cannot be', async (t) => {
  const db = await openTestAuth(verbose('auth_verbose = yes\nauth_mechanisms = login', 'joe:{PLAIN}s'))
  t.after(() => db.auth.close())
  const exchange = {
    mechanism: 'LOGIN',
    initial: new Secret('a b'),
    challenge: () => Promise.reject(new Error('asked')),
    finish: () => Promise.resolve(),
    channelBinding: () => undefined,
  }
  const outcome = await db.auth.authenticate(testConnection, exchange, new AbortController().signal)
  assert.deepEqual(refusal(outcome), { kind: 'failed' })
  assert.match(
    db.log.join('\n'),
    /^info auth: login\(\?,.*: Username character disallowed by auth_username_chars: 0x20/,
  )
})

test('the name that somebody wants to become is told apart from the name that logs in', async (t) => {
  const db = await openTestAuth(verbose('auth_verbose = yes\nauth_master_user_separator = *', 'joe:{PLAIN}s'))
  t.after(() => db.auth.close())
  await db.login('joe', 's', { authzid: 'jane' })
  await db.login('jane*joe', 's')
  const text = 'Master user login attempted without master passdbs'
  const prefix = 'info auth: plain(joe,198.51.100.7,<sess>): '
  assert.deepEqual(db.log, [`${prefix}login user: ${text}`, `${prefix}${text}`])
})

test('each login by a master user is in the log as who for whom', async (t) => {
  const db = await openTestAuth({
    conf: `auth_verbose = yes\nauth_master_user_separator = *\n${block('passdb', 'static', 'password=m', 'master = yes')}${block('passdb', 'static', 'password=s')}`,
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('joe*Admin', 'm')
  assert.equal(outcome.kind === 'ok' && `${outcome.masterUser} as ${outcome.user}`, 'admin as joe')
  assert.deepEqual(db.log, ['info auth: static(admin,198.51.100.7,master,<sess>): Master user logging in as joe'])
})

test('a master whose target is refused is told that the authorization failed', async (t) => {
  const db = await openTestAuth({
    conf: `auth_master_user_separator = *\n${block('passdb', 'static', 'password=m', 'master = yes', 'result_success = continue')}${block('passdb', 'passwd-file', '/users')}`,
    files: { '/users': 'joe:{PLAIN}s\n' },
  })
  t.after(() => db.auth.close())
  assert.equal((await db.login('joe*admin', 'm')).kind, 'ok')
  assert.deepEqual(refusal(await db.login('jane*admin', 'm')), { kind: 'authorization-failed' })
  assert.deepEqual(refusal(await db.login('admin', 'm', { authzid: 'jane' })), { kind: 'authorization-failed' })
  assert.deepEqual(refusal(await db.login('joe*admin', 's')), { kind: 'failed' })
})

test('a query in the debug log does not show the password', async (t) => {
  for (const [setting, expected] of [
    ['auth_debug = yes', /query: SELECT 'o''neil', '\[secret\]'/],
    ['auth_debug_passwords = yes', /query: SELECT 'o''neil', 'topsecret'/],
  ] as const) {
    const db = await openTestAuth({
      conf: `auth_username_chars =\n${setting}\n${block('passdb', 'sql', '/x')}`,
      files: { '/x': "driver = sqlite\nconnect = /nowhere.db\npassword_query = SELECT '%u', '%w'\n" },
    })
    t.after(() => db.auth.close())
    await db.login("o'neil", 'topsecret')
    assert.match(db.log.join('\n'), expected)
    assert.equal(db.log.join('\n').includes('topsecret'), setting.includes('passwords'))
  }
})
