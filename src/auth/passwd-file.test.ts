import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type PasswdEntry,
  PasswdFileStore,
  type PasswdLookup,
  parsePassdbArgs,
  parsePasswdLine,
  parseUserdbArgs,
} from './passwd-file.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { MemoryDisk } from './testing/open-auth.ts'

interface Opened {
  readonly disk: MemoryDisk
  readonly clock: FakeClock
  readonly log: string[]
  find(user: string, variables?: Readonly<Record<string, string>>): Promise<PasswdLookup>
}

function open(path: string, files: Readonly<Record<string, string>>, user: 'passdb' | 'userdb' = 'passdb'): Opened {
  const disk = new MemoryDisk(files)
  const clock = new FakeClock()
  const log: string[] = []
  const ids = { uid: (name: string) => (name === 'vmail' ? 5000 : undefined), gid: () => undefined }
  const store = new PasswdFileStore({
    files: disk.databases,
    clock,
    ids,
    debug: true,
    log: (level, text) => void log.push(`${level} ${text}`),
  })
  const opened = store.open(path, user)
  return { disk, clock, log, find: async (name, variables = {}) => await opened.lookup(name, (key) => variables[key]) }
}

const passwordOf = (found: PasswdLookup): string | undefined =>
  found.kind === 'found' ? found.entry.password : found.kind

const fieldsOf = (fields: PasswdEntry['passdbFields']): Record<string, unknown> =>
  Object.fromEntries(fields.map(({ name, value }) => [name, value]))

const lines: {
  line: string
  expected: Partial<Record<'password' | 'uid' | 'gid' | 'home', string | undefined>> & {
    passdb?: object
    userdb?: object
  }
  why: string
}[] = [
  { line: 'joe', expected: { password: undefined, uid: undefined, gid: undefined }, why: 'a user alone' },
  { line: 'joe:', expected: { password: '', uid: undefined }, why: 'an empty password' },
  {
    line: 'joe:{PLAIN}a:1:2',
    expected: { password: '{PLAIN}a', uid: '1', gid: '2', home: undefined },
    why: 'up to the ids',
  },
  {
    line: 'joe:x:::gecos:/home/joe:/bin/sh',
    expected: { uid: '', gid: '', home: '/home/joe' },
    why: 'up to the shell',
  },
  {
    line: 'joe:x::::::a=1 b userdb_mail=mbox:/x',
    expected: { passdb: { a: '1', b: '' }, userdb: { userdb_mail: 'mbox:/x' } },
    why: 'extra fields',
  },
  {
    line: 'joe:x::::::host=::1  port=143',
    expected: { passdb: { host: '::1', port: '143' } },
    why: 'colons and blanks inside extra fields',
  },
  { line: 'joe:x::::/home::', expected: { home: '/home', passdb: {}, userdb: {} }, why: 'an empty extra field' },
  {
    line: 'joe:x:::::::maildir:/m:INDEX=/i',
    expected: { userdb: { userdb_mail: 'maildir:/m:INDEX=/i' } },
    why: 'the old place of the mail location',
  },
  { line: 'joe:abcdefghijklm[13]', expected: { password: '{CRYPT}abcdefghijklm' }, why: 'pwdfile: DES' },
  { line: 'joe:abc[34]', expected: { password: '{PLAIN-MD5}abc' }, why: 'pwdfile: MD5' },
  {
    line: `joe:${'0'.repeat(32)}[56]`,
    expected: { password: `{DIGEST-MD5}${'0'.repeat(32)}` },
    why: 'pwdfile: DIGEST-MD5',
  },
  {
    line: 'joe:{PLAIN}abc[34]',
    expected: { password: '{PLAIN}abc[34]' },
    why: 'with a scheme the brackets are part of the password',
  },
  { line: 'joe:$1$abc[34]', expected: { password: '$1$abc[34]' }, why: 'with a crypt prefix, too' },
]

for (const { line, expected, why } of lines) {
  test(`${line}: ${why}`, () => {
    const entry = parsePasswdLine(line, 'f:1')
    assert.ok(typeof entry !== 'string')
    const { passdb, userdb, ...rest } = expected
    for (const [key, value] of Object.entries(rest)) assert.equal(entry[key as 'uid'], value, key)
    if (passdb !== undefined) assert.deepEqual(fieldsOf(entry.passdbFields), passdb)
    if (userdb !== undefined) assert.deepEqual(fieldsOf(entry.userdbFields), userdb)
  })
}

test('a DIGEST-MD5 of the wrong length makes the line unusable', async () => {
  const file = open('/f', { '/f': 'joe:abc[56]\n' })
  assert.equal((await file.find('joe')).kind, 'unknown')
  await file.find('joe')
  assert.deepEqual(
    file.log.filter((line) => line.startsWith('error')),
    ['error passwd-file /f:User joe has invalid password'],
  )
})

test('comments, empty lines and carriage returns', async () => {
  const file = open('/f', { '/f': '# joe:no\r\n\r\n:joe:no\r\njoe:{PLAIN}yes\r\nlast:{PLAIN}end' })
  assert.equal(passwordOf(await file.find('joe')), '{PLAIN}yes')
  assert.equal(passwordOf(await file.find('last')), '{PLAIN}end')
  assert.equal(passwordOf(await file.find('# joe')), 'unknown')
  assert.equal(passwordOf(await file.find('')), 'unknown')
})

test('the first of two lines counts, and the log says so once', async () => {
  const file = open('/f', { '/f': 'joe:a\njane:x\njoe:b\n' })
  assert.equal(passwordOf(await file.find('joe')), 'a')
  assert.deepEqual(file.log, [
    'error passwd-file /f:User joe exists more than once',
    'debug passwd-file /f:Read 2 users',
  ])
})

test('a field knows its file and line', async () => {
  const found = await open('/f', { '/f': '\n# x\njoe:a::::::host=h\n' }).find('joe')
  assert.equal(found.kind === 'found' && found.entry.passdbFields[0]?.from, '/f:3')
})

test('the file is looked at again after a second, and read again when it changed', async () => {
  const file = open('/f', { '/f': 'joe:a\n' })
  assert.equal(passwordOf(await file.find('joe')), 'a')
  file.disk.write('/f', 'joe:b\n')
  assert.equal(passwordOf(await file.find('joe')), 'a')
  await file.clock.advance(999)
  assert.equal(passwordOf(await file.find('joe')), 'a')
  await file.clock.advance(1)
  assert.equal(passwordOf(await file.find('joe')), 'b')
  await file.clock.advance(5000)
  await file.find('joe')
  assert.equal(file.disk.reads, 2)
})

test('a hundred lookups read the file once', async () => {
  const file = open('/f', { '/f': 'joe:a\n' })
  await Promise.all(Array.from({ length: 100 }, () => file.find('joe')))
  assert.equal(file.disk.reads, 1)
})

test('a missing file, an unreadable one, and their return', async () => {
  const file = open('/f', {})
  assert.deepEqual(await file.find('joe'), { kind: 'missing', path: '/f' })
  file.disk.write('/f', 'joe:a\n')
  await file.clock.advance(1000)
  assert.equal(passwordOf(await file.find('joe')), 'a')
  file.disk.faults.set('/f', 'EACCES')
  await file.clock.advance(1000)
  assert.deepEqual(await file.find('joe'), { kind: 'failed', error: 'stat(/f) failed: EACCES: /f' })
  file.disk.faults.clear()
  await file.clock.advance(1000)
  assert.equal(passwordOf(await file.find('joe')), 'a')
})

test('a large file does not hold others up', async () => {
  const users = Array.from(
    { length: 300_000 },
    (_, index) => `user${index}@example.org:{PLAIN}secret${index}::::::host=10.0.0.1`,
  )
  const file = open('/f', { '/f': users.join('\n') })
  let turns = 0
  const busy = setInterval(() => turns++, 0)
  const found = await file.find('user299999@example.org')
  clearInterval(busy)
  assert.equal(passwordOf(found), '{PLAIN}secret299999')
  assert.ok(turns >= 3, `others had ${turns} turns`)
})

const paths: { path: string; domain: string; expected: string; why: string }[] = [
  { path: '/etc/%d/users', domain: 'x.org', expected: 'good', why: 'a file for each domain' },
  { path: '/etc/%d/users', domain: 'x.org/evil', expected: 'good', why: 'what follows a slash is cut off' },
  { path: '/etc/%d/users', domain: '../shadow', expected: 'unknown', why: 'no way up' },
  { path: '/etc/%d/users', domain: '..', expected: 'unknown', why: 'nor by the name alone' },
  { path: '/etc/%d/users', domain: '.', expected: 'unknown', why: 'nor in place' },
  { path: '/etc/%d/users', domain: 'x\0y', expected: 'unknown', why: 'nor with a NUL' },
  { path: '/etc/%d/users', domain: 'nowhere', expected: 'missing', why: 'a domain without a file' },
  { path: '/etc/%z/users', domain: 'x.org', expected: 'failed', why: 'an unknown variable' },
]

for (const { path, domain, expected, why } of paths) {
  test(`${path} for the domain ${JSON.stringify(domain)}: ${why}`, async () => {
    const file = open(path, {
      '/etc/x.org/users': 'joe:good\n',
      '/etc/../users': 'joe:bad\n',
      '/etc/./users': 'joe:bad\n',
    })
    assert.equal(passwordOf(await file.find('joe', { domain })), expected)
  })
}

test('made-up domains do not fill the memory', async () => {
  const file = open(
    '/etc/%d/users',
    Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`/etc/d${index}/users`, 'joe:a\n'])),
  )
  for (let index = 0; index < 600; index++)
    assert.equal(passwordOf(await file.find('joe', { domain: `d${index}` })), 'a')
  for (let index = 0; index < 600; index++)
    assert.equal(passwordOf(await file.find('joe', { domain: `none${index}` })), 'missing')
  assert.equal(passwordOf(await file.find('joe', { domain: 'd0' })), 'a')
  assert.equal(file.disk.reads, 601)
})

test('ids that mean nothing make a line unusable where a userdb reads the file', async () => {
  const text = 'vm:x:vmail:1\nbad:x:nosuch:1\nroot:x:0:0\n'
  const passdb = open('/f', { '/f': text })
  assert.deepEqual([passwordOf(await passdb.find('bad')), passwordOf(await passdb.find('root'))], ['x', 'x'])
  const userdb = open('/f', { '/f': text }, 'userdb')
  assert.deepEqual(
    [passwordOf(await userdb.find('vm')), passwordOf(await userdb.find('bad')), passwordOf(await userdb.find('root'))],
    ['x', 'unknown', 'unknown'],
  )
  assert.deepEqual(userdb.log.slice(1), [
    "error passwd-file /f:User bad has invalid UID 'nosuch'",
    "error passwd-file /f:User root has invalid UID '0'",
  ])
})

const args: [text: string, expected: unknown][] = [
  ['/etc/users', { scheme: 'CRYPT', usernameFormat: '%u', path: '/etc/users' }],
  ['scheme=plain username_format=%n /etc/a b', { scheme: 'plain', usernameFormat: '%n', path: '/etc/a b' }],
  ['username_format=%n', 'Missing args'],
  ['', 'Missing args'],
  ['foo=1 /etc/users', 'Unknown setting: foo'],
  ['users', 'Unknown setting: users'],
]

for (const [text, expected] of args) {
  test(`passdb args ${text}`, () => {
    assert.deepEqual(parsePassdbArgs(text), expected)
  })
}

test('userdb args', () => {
  assert.deepEqual(parseUserdbArgs('username_format=%n /f'), { scheme: '', usernameFormat: '%n', path: '/f' })
  assert.deepEqual(parseUserdbArgs('/f g'), { scheme: '', usernameFormat: '%u', path: '/f g' })
  assert.equal(parseUserdbArgs(''), 'Missing args')
})
