import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExtraFields, UserdbLookup } from './auth.ts'
import { openTestAuth, type OpenOptions, testConnection } from './testing/open-auth.ts'
import { PREFETCHED } from './userdb-field.ts'

const never = new AbortController().signal

function block(kind: string, driver: string, args: string, ...settings: string[]): string {
  const lines = [`driver = ${driver}`, ...(args === '' ? [] : [`args = ${args}`]), ...settings]
  return `${kind} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
}

const passdb = block('passdb', 'static', 'password=s')
const all = (more: string): string => `allow_all_users=yes ${more}`

async function lookUp(options: OpenOptions, prefetched?: ExtraFields): Promise<{ found: UserdbLookup; log: string[] }> {
  const db = await openTestAuth(options)
  try {
    return { found: await db.auth.lookupUser(testConnection, 'joe', prefetched, never), log: db.log }
  } finally {
    await db.auth.close()
  }
}

const found = (fields: Readonly<Record<string, string>>, user = 'joe'): UserdbLookup => ({
  kind: 'found',
  user,
  fields: new Map(Object.entries(fields)),
})

const rows: {
  why: string
  conf: string
  prefetched?: ExtraFields
  files?: OpenOptions['files']
  expected: UserdbLookup
  log?: RegExp
}[] = [
  {
    why: 'no userdb is a user without fields, after a login',
    conf: passdb,
    prefetched: new Map(),
    expected: found({}),
  },
  { why: 'no userdb, no login: the passdbs know', conf: passdb, expected: found({}) },
  {
    why: 'names of users and groups become numbers',
    conf: passdb + block('userdb', 'static', all('uid=vmail gid=vmail')),
    expected: found({ uid: '5000', gid: '5001' }),
  },
  {
    why: 'a name nobody knows is a temporary failure',
    conf: passdb + block('userdb', 'static', all('uid=%u')),
    expected: { kind: 'temporary' },
    log: /static\(joe,198\.51\.100\.7,<sess>\): Invalid UID value 'joe'/,
  },
  {
    why: 'tempfail with a reason',
    conf: passdb + block('userdb', 'static', all('reason=moving tempfail')),
    expected: { kind: 'temporary', reason: 'moving' },
  },
  {
    why: 'uidgid_file',
    conf: passdb + block('userdb', 'static', all('uidgid_file=/mail/%u home=/h')),
    files: { '/mail/joe': '' },
    expected: found({ home: '/h', uid: '1234', gid: '5678' }),
  },
  {
    why: 'uidgid_file that is not there',
    conf: passdb + block('userdb', 'static', all('uidgid_file=/mail/%u')),
    expected: { kind: 'temporary' },
    log: /ENOENT: \/mail\/joe/,
  },
  {
    why: 'the old name of system_groups_user',
    conf: passdb + block('userdb', 'static', all('system_user=%u')),
    expected: found({ system_groups_user: 'joe' }),
  },
  {
    why: 'userdb_import',
    conf: passdb + block('userdb', 'static', all('userdb_import=a=1\tb\tuser=jim')),
    expected: found({ a: '1', b: '' }, 'jim'),
  },
  {
    why: 'a template that cannot be expanded',
    conf: passdb + block('userdb', 'static', all('home=/h'), 'default_fields = x=%z'),
    expected: { kind: 'temporary' },
    log: /Failed to expand default_fields: Unknown variable '%z'/,
  },
  {
    why: 'one in override_fields',
    conf: passdb + block('userdb', 'static', all('home=/h'), 'override_fields = x=%z'),
    expected: { kind: 'temporary' },
    log: /Failed to expand override_fields: Unknown variable '%z'/,
  },
  {
    why: 'protected and removed fields',
    conf:
      passdb +
      block('userdb', 'static', all('a=1 b=2'), 'result_success = continue-ok') +
      block('userdb', 'static', all('a:protected=9 b:remove c:protected=3')),
    expected: found({ a: '1', c: '3' }),
  },
  {
    why: 'prefetched fields',
    conf: passdb + block('userdb', 'prefetch', ''),
    prefetched: new Map([['home', '/h']]),
    expected: found({ home: '/h' }),
  },
  {
    why: 'prefetched fields that were all NULL',
    conf: passdb + block('userdb', 'prefetch', ''),
    prefetched: new Map([[PREFETCHED, '']]),
    expected: found({}),
  },
  {
    why: 'nothing prefetched, and no other userdb',
    conf: passdb + block('userdb', 'prefetch', ''),
    prefetched: new Map(),
    expected: { kind: 'temporary' },
    log: /error auth: prefetch\(joe,198\.51\.100\.7,<sess>\): passdb didn't return userdb entries/,
  },
  {
    why: 'prefetch without a login',
    conf: passdb + block('userdb', 'prefetch', ''),
    expected: { kind: 'temporary' },
    log: /userdb lookup not possible with only userdb prefetch/,
  },
  {
    why: 'later userdbs overrule prefetched fields',
    conf: passdb + block('userdb', 'static', 'home=/static'),
    prefetched: new Map([
      ['home', '/h'],
      ['mail', 'm'],
    ]),
    expected: found({ home: '/static', mail: 'm' }),
  },
  {
    why: 'a user who logged in is nowhere',
    conf: passdb + block('userdb', 'passwd-file', '/u'),
    files: { '/u': '' },
    prefetched: new Map(),
    expected: { kind: 'unknown' },
    log: /error auth: passwd-file\(joe,198\.51\.100\.7,<sess>\): user not found from userdb/,
  },
  {
    why: 'a failure is remembered when later databases do not know the user',
    conf: passdb + block('userdb', 'passwd-file', '/%z') + block('userdb', 'passwd-file', '/u'),
    files: { '/u': '' },
    expected: { kind: 'temporary' },
  },
  {
    why: 'a failure is forgotten when a later database knows the user',
    conf: passdb + block('userdb', 'passwd-file', '/%z') + block('userdb', 'static', all('home=/h')),
    expected: found({ home: '/h' }),
  },
]

for (const { why, conf, prefetched, files, expected, log } of rows) {
  test(`a user lookup: ${why}`, async () => {
    const result = await lookUp({ conf, ...(files !== undefined && { files }) }, prefetched)
    assert.deepEqual(result.found, expected, result.log.join('\n'))
    if (log !== undefined) assert.match(result.log.join('\n'), log)
  })
}

test('what a passdb prefetches reaches the userdb, NULL columns too', async (t) => {
  const driver = {
    name: 'sql',
    open: () => ({
      defaultScheme: 'PLAIN',
      lookup: () =>
        ({
          kind: 'found',
          fields: [
            { name: 'password', value: 's', from: '' },
            { name: 'userdb_home', value: null, from: '' },
          ],
        }) as const,
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  }
  const db = await openTestAuth({
    conf: block('passdb', 'sql', 'x') + block('userdb', 'prefetch', ''),
    input: { passdbDrivers: [driver] },
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('joe', 's')
  assert.equal(outcome.kind, 'ok')
  if (outcome.kind === 'ok')
    assert.deepEqual(await db.auth.lookupUser(testConnection, 'joe', outcome.userdbFields, never), found({}))
})
