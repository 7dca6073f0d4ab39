import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually, passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { userdbSuite } from '../../../test/suites/userdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import type { AuthOutcome } from '../auth.ts'
import { openAuthService } from '../service.ts'
import { openTestAuth, testAuthInput, testConnection, type TestAuth } from '../testing/open-auth.ts'
import { systemAuthNeeds, systemClock } from '../testing/system.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'

const conf = (args: string): string => `auth_verbose = yes
auth_username_chars =
auth_mechanisms = plain cram-md5
passdb {
  driver = module
  args = ${args}
}
userdb {
  driver = module
  args = ${args}
}`

const disk = systemAuthNeeds({ emit: () => undefined, log: () => undefined }).files

async function open(args: string): Promise<TestAuth> {
  return await openTestAuth({ conf: conf(args), clock: systemClock, disk })
}

/** TEST_USERS as a module in TypeScript. */
const USERS = `
interface Login { readonly user: string }
const users = new Map<string, { password: string, host: string }>(${JSON.stringify(
  TEST_USERS.map(({ name, password, host }) => [name, { password, host }]),
)})
const found = ({ user }: Login, fields: (known: { password: string, host: string }) => object) => {
  const known = users.get(user)
  return known === undefined ? { result: 'unknown-user' } : { result: 'ok', fields: fields(known) }
}
`
const LOOKUPS = `
  lookupPassword: (login: Login) => found(login, ({ password, host }) => ({ password, host, absent: false })),
  lookupUser: (login: Login) => found(login, ({ host }) => ({ uid: 1000, gid: 1000, home: '/home/' + host, quota_rule: host })),
  listUsers: () => [...users.keys()],
`
const VERIFY = `
  async verifyPassword(login: Login, password: string) {
    const known = users.get(login.user)
    if (known !== undefined && known.password !== password) return { result: 'password-mismatch' }
    return found(login, ({ host }) => ({ host }))
  },
`

for (const [name, functions] of [
  ['lookupPassword', LOOKUPS],
  ['verifyPassword', LOOKUPS + VERIFY],
] as const) {
  passdbSuite({
    name: `module, ${name}`,
    async open(cleanup) {
      const dir = makeTempDir('module')
      cleanup(() => removeTempDir(dir))
      const path = join(dir, 'users.ts')
      let text = `${USERS}\nexport default {${functions}}`
      // As editors do, so that no half of a file is loaded.
      const save = (content: string): void => {
        writeFileSync(`${path}.new`, content)
        renameSync(`${path}.new`, path)
      }
      save(text)
      return {
        ...(await open(path)),
        changePassword: (user, password) => {
          const host = TEST_USERS.find((each) => each.name === user)?.host ?? ''
          text += `\nusers.set(${JSON.stringify(user)}, ${JSON.stringify({ password, host })})`
          return Promise.resolve(save(text))
        },
        outage: {
          begin: () =>
            Promise.resolve(
              save(
                "const down = () => ({ result: 'temporary-failure', reason: 'down' })\nexport default { verifyPassword: down, lookupPassword: down }",
              ),
            ),
          end: () => Promise.resolve(save(text)),
        },
      }
    },
  })
}

userdbSuite({
  name: 'module',
  async open(cleanup) {
    const dir = makeTempDir('module')
    cleanup(() => removeTempDir(dir))
    const path = join(dir, 'users.ts')
    writeFileSync(path, `${USERS}\nexport default {${LOOKUPS}}`)
    return await open(path)
  },
})

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

function writeModule(t: TestContext, text: string): string {
  const dir = makeTempDir('module')
  t.after(() => removeTempDir(dir))
  const path = join(dir, 'm.mjs')
  writeFileSync(path, text)
  return path
}

async function withModule(t: TestContext, text: string, more = ''): Promise<TestAuth> {
  const db = await open(`${more}${writeModule(t, text)}`)
  t.after(() => db.auth.close())
  return db
}

/** For those that answer, however busy the machine is. */
const LONG = 'timeout=60 '

const bad: readonly (readonly [why: string, text: string, log: RegExp, timeout?: string])[] = [
  ['throws', "export default { verifyPassword() { throw new Error('oops') } }", /it threw Error: oops/],
  ['throws nothing', 'export default { verifyPassword() { throw undefined } }', /it threw undefined/],
  [
    'waits for ever',
    'export default { verifyPassword: () => new Promise(() => {}) }',
    /did not answer within 0.3 secs/,
    'timeout=0.3 ',
  ],
  [
    'does not stop',
    'export default { verifyPassword() { for (;;); } }',
    /did not answer within 0.3 secs/,
    'timeout=0.3 ',
  ],
  ['ends its thread', 'export default { verifyPassword() { process.exit(0) } }', /its thread ended/],
  [
    'throws behind our back',
    "export default { verifyPassword() { setTimeout(() => { throw new Error('late') }); return new Promise(() => {}) } }",
    /it failed: late/,
  ],
  ['returns nothing', 'export default { verifyPassword() {} }', /returned no object but undefined/],
  ['returns a boolean', 'export default { verifyPassword: () => true }', /returned no object but true/],
  ['returns another word', "export default { verifyPassword: () => ({ result: 'yes' }) }", /returned the result yes/],
  [
    'returns fields with objects',
    "export default { verifyPassword: () => ({ result: 'ok', fields: { a: {} } }) }",
    /a field a that is no text/,
  ],
  [
    'returns NaN',
    "export default { verifyPassword: () => ({ result: 'ok', fields: { a: NaN } }) }",
    /a field a that is no text/,
  ],
  [
    'returns a line break',
    "export default { verifyPassword: () => ({ result: 'ok', fields: { a: 'x\\r\\ny' } }) }",
    /with a line break/,
  ],
  [
    'returns odd names',
    "export default { verifyPassword: () => ({ result: 'ok', fields: { 'a b': 'x' } }) }",
    /a field named a b/,
  ],
  [
    'returns a function',
    "export default { verifyPassword: () => ({ result: 'ok', fields: { a: () => 1 } }) }",
    /could not be cloned/,
  ],
  [
    'needs a password hash that is none',
    "export default { lookupPassword: () => ({ result: 'password-mismatch' }) }",
    /lookupPassword returned the result/,
  ],
  ['has no functions', 'export default {}', /has no lookupPassword/],
  ['has no default', 'export const a = 1', /the default export is no object/],
  ['is no program', 'export default {', /SyntaxError/],
  ['throws when it is loaded', "throw new Error('no')", /Error: no/],
]
for (const [why, text, log, timeout = LONG] of bad) {
  test(`a module that ${why} is a temporary failure`, async (t) => {
    const db = await withModule(t, text, timeout)
    assert.equal(kindOf(await db.login('joe', 'secret')), 'temporary')
    assert.match(db.log.join('\n'), log)
  })
}

test('a module that is not there is a temporary failure until it is', async (t) => {
  const path = writeModule(t, '')
  rmSync(path)
  const db = await open(path)
  t.after(() => db.auth.close())
  assert.equal(kindOf(await db.login('joe', 'secret')), 'temporary')
  writeFileSync(path, "export default { verifyPassword: () => ({ result: 'ok' }) }")
  await eventually(async () => kindOf(await db.login('joe', 'secret')) === 'ok')
})

test('a thread that is stuck is replaced; whoever waits for it is told to come again', async (t) => {
  const db = await withModule(
    t,
    "export default { verifyPassword({ user }) { if (user === 'stuck') for (;;); return { result: 'ok' } } }",
    'timeout=0.2 ',
  )
  // A busy machine may not answer so soon each time.
  await eventually(async () => kindOf(await db.login('joe', 'x')) === 'ok')
  const both = await Promise.all([db.login('stuck', 'x'), db.login('joe', 'x')])
  assert.deepEqual(both.map(kindOf), ['temporary', 'temporary'])
  await eventually(async () => kindOf(await db.login('joe', 'x')) === 'ok')
})

test('a new version that cannot be loaded leaves the old one at work', async (t) => {
  const path = writeModule(t, "export default { verifyPassword: () => ({ result: 'ok', fields: { v: 1 } }) }")
  const db = await open(path)
  t.after(() => db.auth.close())
  const version = async (): Promise<string | undefined> => {
    const outcome = await db.login('joe', 'x')
    return outcome.kind === 'ok' ? outcome.fields.get('v') : outcome.why.kind
  }
  assert.equal(await version(), '1')
  writeFileSync(path, 'export default {{{')
  await eventually(async () => {
    assert.equal(await version(), '1')
    return db.log.some((line) => /^error auth: module .*SyntaxError/.test(line))
  })
  writeFileSync(path, "export default { verifyPassword: () => ({ result: 'ok', fields: { v: 22 } }) }")
  await eventually(async () => (await version()) === '22')
})

test('groups of a user are a userdb field', async (t) => {
  const db = await withModule(t, "export default { groupsOf: ({ user }) => (user === 'joe' ? ['a', 'b c'] : [1]) }")
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const found = await db.auth.lookupUser(testConnection, 'joe', undefined, signal)
  assert.equal(found.kind === 'found' && found.fields.get('acl_groups'), 'a,b c')
  assert.equal((await db.auth.lookupUser(testConnection, 'jane', undefined, signal)).kind, 'temporary')
})

test('a module is told who logs in', async (t) => {
  const db = await withModule(
    t,
    "export default { verifyPassword: (login, password) => ({ result: 'ok', fields: { told: JSON.stringify({ ...login, password }) } }) }",
  )
  const outcome = await db.login("o'neil@example.org", 'ünï')
  assert.ok(outcome.kind === 'ok')
  assert.deepEqual(JSON.parse(outcome.fields.get('told') ?? ''), {
    user: "o'neil@example.org",
    username: "o'neil",
    domain: 'example.org',
    service: 'imap',
    mechanism: 'PLAIN',
    session: 'sess',
    localIp: '192.0.2.1',
    remoteIp: '198.51.100.7',
    secured: 'TLS',
    password: 'ünï',
  })
})

for (const [args, complaint] of [
  ['', /Missing file in args/],
  ['timeout=0 ./a.js', /Invalid timeout: 0/],
  ['timeout=soon ./a.js', /Invalid timeout: soon/],
] as const) {
  test(`args may not be '${args}'`, async () => {
    const { input } = testAuthInput({ conf: conf(args) })
    await assert.rejects(openAuthService(input), { message: complaint })
  })
}
