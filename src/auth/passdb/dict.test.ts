import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { skipWithoutRedis, startRedis } from '../../../test/peers/redis.ts'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { userdbSuite } from '../../../test/suites/userdb.ts'
import type { AuthOutcome } from '../auth.ts'
import { escapeDict, unescapeDict } from '../dict/dict.ts'
import { openAuthService } from '../service.ts'
import { openTestAuth, testAuthInput, testConnection, type TestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'

const CONF =
  'auth_verbose = yes\nauth_username_chars =\npassdb {\n  driver = dict\n  args = /dict.ext\n}\nuserdb {\n  driver = dict\n  args = /dict.ext\n}'

const settings = (uri: string): string => `uri = ${uri}
default_pass_scheme = PLAIN
iterate_prefix = userdb/
key passdb {
  key = passdb/%u
  format = json
}
key userdb {
  key = userdb/%u
  format = json
}
passdb_objects = passdb
userdb_objects = userdb
userdb_fields {
  quota_rule = %{dict:userdb.more.quota}
}
`

const passEntry = (password: string, host: string): string => JSON.stringify({ password, host })

/** All keys, without `shared/`. */
function entries(): Record<string, string> {
  return Object.fromEntries(
    TEST_USERS.flatMap(({ name, password, host }) => [
      [`passdb/${escapeDict(name)}`, passEntry(password, host)],
      [
        `userdb/${escapeDict(name)}`,
        JSON.stringify({ uid: 1000, gid: '1000', home: `/home/${host}`, more: { quota: host } }),
      ],
    ]),
  )
}

const fileText = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `shared/${key}\n${value}\n`)
    .join('')

for (const [name, suite] of [
  ['passdb', passdbSuite],
  ['userdb', userdbSuite],
] as const) {
  suite({
    name: `dict, Redis (${name})`,
    skip: skipWithoutRedis(),
    async open(cleanup) {
      const peer = await startRedis()
      cleanup(() => peer.stop())
      const prefixed = (values: Record<string, string>): Record<string, string> =>
        Object.fromEntries(Object.entries(values).map(([key, value]) => [`mail.${key}`, value]))
      await peer.set(prefixed(entries()))
      const uri = `redis:host=127.0.0.1:port=${peer.port}:password=secret:prefix=mail.:timeout_msecs=6000`
      return {
        ...(await openTestAuth({ conf: CONF, files: { '/dict.ext': settings(uri) }, clock: systemClock })),
        outage: { begin: () => peer.kill(), end: () => peer.start() },
        hang: { begin: () => peer.pause(), end: () => peer.resume() },
        changePassword: (user, password) => {
          const host = TEST_USERS.find((each) => each.name === user)?.host ?? ''
          return peer.set({ [`mail.passdb/${escapeDict(user)}`]: passEntry(password, host) })
        },
      }
    },
  })
  suite({
    name: `dict, file (${name})`,
    async open() {
      const values = entries()
      const db = await openTestAuth({
        conf: CONF,
        files: { '/dict.ext': settings('file:/users.dict'), '/users.dict': fileText(values) },
        clock: systemClock,
      })
      return {
        ...db,
        outage: {
          begin: () => Promise.resolve(void db.disk.faults.set('/users.dict', 'EIO')),
          end: () => Promise.resolve(void db.disk.faults.delete('/users.dict')),
        },
        changePassword: (user, password) => {
          const host = TEST_USERS.find((each) => each.name === user)?.host ?? ''
          values[`passdb/${escapeDict(user)}`] = passEntry(password, host)
          return Promise.resolve(db.disk.write('/users.dict', fileText(values)))
        },
      }
    },
  })
}

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

async function withFile(t: TestContext, ext: string, values: Readonly<Record<string, string>>): Promise<TestAuth> {
  const db = await openTestAuth({
    conf: CONF,
    files: { '/dict.ext': `uri = file:/d\ndefault_pass_scheme = PLAIN\n${ext}`, '/d': fileText(values) },
  })
  t.after(() => db.auth.close())
  return db
}

test('values, templates and default values', async (t) => {
  const ext = `key pass {\n  key = %u/pass\n}\nkey host {\n  key = %u/host\n  default_value = 10.0.0.9\n}
passdb_fields {\n  password = %{dict:pass}\n  host = %{dict:host}\n  who = %u\n}`
  const db = await withFile(t, ext, { 'joe/pass': 's', 'joe/host': 'h', 'ann/pass': 't', 'bea/host': 'x' })
  for (const [user, password, host] of [
    ['joe', 's', 'h'],
    ['ann', 't', '10.0.0.9'],
  ] as const) {
    const outcome = await db.login(user, password)
    assert.ok(outcome.kind === 'ok', db.log.join('\n'))
    assert.deepEqual([outcome.fields.get('host'), outcome.fields.get('who')], [host, user])
  }
  assert.equal(kindOf(await db.login('bea', '')), 'failed', 'a key without a default is missing')
})

test("a slash in a name leads to nobody else's key", async (t) => {
  const ext = 'key p {\n  key = passdb/%u\n}\npassdb_fields {\n  password = %{dict:p}\n}'
  const db = await withFile(t, ext, { 'passdb/joe/quota': 'x', 'passdb/joe': 's' })
  assert.equal(kindOf(await db.login('joe', 's')), 'ok')
  for (const name of ['joe/quota', '../passdb/joe', 'joe/', 'joe\\|quota', 'joe\nshared/x'])
    assert.equal(kindOf(await db.login(name, 'x')), 'failed', name)
})

for (const [value, why] of [
  ['{', 'no JSON'],
  ['[1', 'half a list'],
  ['"text"', 'no object'],
  ['null', 'nothing'],
  ['{"password": "s", "host": "a\\r\\nb"}', 'a line break in a value'],
] as const) {
  test(`a value that makes no sense is a temporary failure: ${why}`, async (t) => {
    const db = await withFile(t, 'key p {\n  key = %u\n  format = json\n}\npassdb_objects = p', { joe: value })
    assert.equal(kindOf(await db.login('joe', 's')), 'temporary')
  })
}

test('without iterate_prefix, or with iterate_disable, there is no list', async (t) => {
  const db = await withFile(
    t,
    'iterate_disable = yes\niterate_prefix = u/\nkey p {\n  key = u/%u\n}\nuserdb_fields {\n  home = %{dict:p}\n}',
    { 'u/joe': '/h' },
  )
  const listed: string[] = []
  for await (const name of db.auth.iterateUsers(AbortSignal.timeout(PATIENCE_MS))) listed.push(name)
  assert.deepEqual(listed, [])
  const found = await db.auth.lookupUser(testConnection, 'joe', undefined, AbortSignal.timeout(PATIENCE_MS))
  assert.equal(found.kind === 'found' && found.fields.get('home'), '/h')
})

test('a part of a key is escaped and back', () => {
  for (const text of ['a/b', 'a\\b', '\\|', '/', 'plain']) assert.equal(unescapeDict(escapeDict(text)), text)
  assert.equal(escapeDict('a/b\\c'), 'a\\|b\\\\c')
})

const faults: readonly (readonly [ext: string, complaint: RegExp])[] = [
  ['', /Empty uri setting/],
  ['uri = mysql:x', /Unknown dict module: mysql/],
  ['uri = redis:nonsense=1', /redis: Unknown parameter: nonsense=1/],
  ['uri = redis:port=x', /redis: Invalid port: x/],
  ['uri = file:/d\nnonsense = 1', /Unknown setting: nonsense/],
  ['uri = file:/d\nkey a {\n', /Missing '}'/],
  ['uri = file:/d\n}', /line 2: Unexpected }/],
  ['uri = file:/d\nkey a {\n  key = x\n  format = xml\n}', /Invalid format: xml/],
  ['uri = file:/d\nkey a {\n  key = x\n}\npassdb_objects = a', /objects need format=json/],
  ['uri = file:/d\npassdb_fields {\n  a = %{dict:b}\n}', /There is no key b/],
  ['uri = file:/d\nother {\n}', /Unknown section: other/],
]
for (const [ext, complaint] of faults) {
  test(`an ext file may not say: ${ext.replaceAll('\n', ' ')}`, async () => {
    const { input } = testAuthInput({ conf: CONF, files: { '/dict.ext': ext } })
    await assert.rejects(openAuthService(input), { message: complaint })
  })
}
