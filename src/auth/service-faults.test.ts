import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuthConfigError } from './needs.ts'
import { checkAuthConfig, openAuthService } from './service.ts'
import { openTestAuth, testAuthInput } from './testing/open-auth.ts'
import { block } from './testing/service-options.ts'

const never = new AbortController().signal

const faults: { conf: string; files?: Readonly<Record<string, string>>; text: string }[] = [
  { conf: '', text: 'No passdbs specified in configuration file. PLAIN mechanism needs one' },
  { conf: block('passdb', 'wobble', 'x'), text: "Unknown passdb driver 'wobble'" },
  { conf: block('passdb', 'lua', ''), text: "Support not compiled in for passdb driver 'lua'" },
  {
    conf: block('passdb', 'static', 'password=x') + block('userdb', 'wobble', ''),
    text: "Unknown userdb driver 'wobble'",
  },
  {
    conf: block('passdb', 'static', 'password=x') + block('userdb', 'prefetch', 'x'),
    text: 'userdb prefetch: No args are supported: x',
  },
  {
    conf: block('passdb', 'static', 'password=a =b'),
    text: 'Invalid passdb template password=a =b - key must not be empty',
  },
  {
    conf: block('passdb', 'static', 'password=a') + block('userdb', 'static', '=x'),
    text: 'Invalid userdb template =x - key must not be empty',
  },
  {
    conf: block('passdb', 'static', 'password=a') + block('userdb', 'static', 'uid=nosuch'),
    text: 'static userdb: Invalid uid: nosuch',
  },
  { conf: block('passdb', 'passwd-file', 'scheme=plain'), text: 'passdb passwd-file: Missing args' },
  { conf: block('passdb', 'passwd-file', 'foo=bar /x'), text: 'passdb passwd-file: Unknown setting: foo' },
  {
    conf: block('passdb', 'static', 'password=a') + block('userdb', 'passwd-file', 'username_format=%n'),
    text: 'userdb passwd-file: Missing args',
  },
  { conf: block('passdb', 'static', 'password=a', 'pass = yes'), text: "Last passdb can't have pass=yes" },
  {
    conf:
      block('passdb', 'static', 'password=a') + block('passdb', 'static', 'password=m', 'master = yes', 'deny = yes'),
    text: "Master passdb can't have deny=yes",
  },
  {
    conf: block('passdb', 'static', 'password=m', 'master = yes', 'pass = yes'),
    text: "Master passdb can't have pass=yes if there are no passdbs",
  },
  {
    conf: block('passdb', 'static', 'password=a', 'skip = unauthenticated'),
    text: 'No passdbs specified in configuration file. PLAIN mechanism needs one',
  },
  {
    conf: `auth_mechanisms = plain foo\n${block('passdb', 'static', 'password=a')}`,
    text: "Unknown authentication mechanism 'FOO'",
  },
  { conf: block('passdb', 'sql', ''), text: 'sql: Configuration file path not given' },
  {
    conf: block('passdb', 'sql', '/no'),
    text: "sql /no: Can't open configuration file /no: No such file or directory",
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'connect = y\n' },
    text: 'sql: driver not set in configuration file /x',
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'driver = mysql\n' },
    text: 'sql: connect string not set in configuration file /x',
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'driver = foo\nconnect = y\n' },
    text: "sql: Unknown database driver 'foo'",
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'driver = mysql\nconnect = user=y\n' },
    text: 'sqlpool: No hosts given in connect string',
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'driver = mysql\nconnect = host=h foo=bar\n' },
    text: 'sqlpool: Unknown connect string: foo',
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'driver = mysql\nconnect = host=h port=1x\n' },
    text: 'sqlpool: Invalid port number: 1x',
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'driver = mysql\nconnect = host=h ssl_verify_server_cert=maybe\n' },
    text: 'sqlpool: Invalid boolean: maybe',
  },
  {
    conf: block('passdb', 'sql', '/x'),
    files: { '/x': 'foo = bar\n' },
    text: 'sql /x: Error in configuration file /x line 1: Unknown setting: foo',
  },
]

for (const { conf, files = {}, text } of faults) {
  test(`a configuration is refused: ${text}`, async () => {
    const { input } = testAuthInput({ conf, files })
    await assert.rejects(openAuthService(input), (error) => error instanceof AuthConfigError && error.message === text)
    const complaints = await checkAuthConfig(input)
    assert.ok(complaints.some((complaint) => complaint.text === text && complaint.severity === 'error'))
  })
}

test('every complaint about a configuration is collected, with its place', async () => {
  const conf =
    block('passdb', 'wobble', 'x') + block('passdb', 'static', 'password=%{if;x}') + block('userdb', 'wibble', '')
  const complaints = await checkAuthConfig(testAuthInput({ conf }).input)
  assert.deepEqual(
    complaints.map(({ severity, text, at }) => `${severity} ${at?.line} ${text}`),
    [
      "error 3 Unknown passdb driver 'wobble'",
      'warning 7 passdb static: args cannot be expanded: if: requires four or five parameters, got 1',
      "error 11 Unknown userdb driver 'wibble'",
    ],
  )
})

test('a user_query that nobody asks is worth a warning', async () => {
  const files = { '/x': "driver = sqlite\nconnect = /nowhere.db\nuser_query = SELECT '%u'\n" }
  const complaints = await checkAuthConfig(testAuthInput({ conf: block('passdb', 'sql', '/x'), files }).input)
  assert.deepEqual(
    complaints.map(({ text }) => text),
    [
      'sql: Ignoring changed user_query in /x, because userdb sql not used. (If this is intentional, set userdb_warning_disable=yes)',
    ],
  )
})

test('databases that cannot be reached are found by a check', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'passwd-file', '/gone') + block('passdb', 'sql', '/x') + block('passdb', 'static', 'password=s'),
    files: { '/x': 'driver = sqlite\nconnect = /nowhere/x.db\nuserdb_warning_disable = yes\n' },
  })
  t.after(() => db.auth.close())
  const problems = await db.auth.check(never)
  assert.deepEqual(
    problems.map(({ part, problem, at }) => [part, problem, at?.line]),
    [
      ['passdb passwd-file', 'open(/gone) failed: No such file or directory', 3],
      ['passdb sql', 'sqlite(/nowhere/x.db): unable to open database file', 7],
      ['passdb static', undefined, 11],
      ['userdb static', undefined, 0],
    ],
  )
})
