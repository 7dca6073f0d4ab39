import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../util/secret.ts'
import { type AuthOutcome, InvalidBase64 } from './auth.ts'
import { AuthConfigError } from './needs.ts'
import { checkAuthConfig, openAuthService } from './service.ts'
import { FakeClock } from './testing/fake-clock.ts'
import {
  type LoginOptions,
  openTestAuth,
  type OpenOptions,
  testAuthInput,
  testConnection,
  type TestAuth,
} from './testing/open-auth.ts'

const never = new AbortController().signal

function block(kind: string, driver: string, args: string, ...settings: string[]): string {
  return `${kind} {\n  driver = ${driver}\n  args = ${args}\n${settings.map((line) => `  ${line}\n`).join('')}}\n`
}

const users = (...lines: string[]): Pick<OpenOptions, 'files' | 'conf'> => ({
  conf: block('passdb', 'passwd-file', '/users'),
  files: { '/users': `${lines.join('\n')}\n` },
})

const refusal = (outcome: AuthOutcome): unknown => (outcome.kind === 'refused' ? outcome.why : outcome.kind)

// What a login is told.

const refusals: {
  why: string
  options: OpenOptions
  user?: string
  password?: string
  login?: LoginOptions
  expected: unknown
}[] = [
  { why: 'a wrong password', options: users('joe:{PLAIN}s'), password: 'x', expected: { kind: 'failed' } },
  { why: 'an unknown user', options: users('joe:{PLAIN}s'), user: 'jane', expected: { kind: 'failed' } },
  {
    why: 'a name that is not allowed',
    options: users('joe:{PLAIN}s'),
    user: 'joe smith',
    expected: { kind: 'failed' },
  },
  {
    why: 'a password with a line break',
    options: users('joe:{PLAIN}s'),
    password: 's\r\n',
    expected: { kind: 'failed' },
  },
  { why: 'nologin', options: users('joe:{PLAIN}s:::::: nologin'), expected: { kind: 'nologin' } },
  {
    why: 'nologin with a reason',
    options: users('joe:{PLAIN}s:::::: nologin reason=Bye'),
    expected: { kind: 'nologin', reason: 'Bye' },
  },
  {
    why: 'nologin with a host is a referral',
    options: users('joe:{PLAIN}s:::::: nologin host=imap2.example.org port=1143 destuser=j'),
    expected: { kind: 'referral', user: 'j', mechanism: 'PLAIN', host: 'imap2.example.org', port: 1143 },
  },
  {
    why: 'a referral to the default port, with a reason',
    options: users('joe:{PLAIN}s:::::: nologin host=h reason=Moved destuser='),
    expected: { kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'h', reason: 'Moved' },
  },
  {
    why: 'nologin is for the backend when proxied',
    options: users('joe:{PLAIN}s:::::: nologin proxy host=h'),
    expected: 'ok',
  },
  {
    why: 'and for the route to decide with proxy_maybe',
    options: users('joe:{PLAIN}s:::::: nologin proxy_maybe host=h'),
    expected: 'ok',
  },
  { why: 'a host alone', options: users('joe:{PLAIN}s:::::: host=h'), expected: 'ok' },
  {
    why: 'a user on a deny list',
    options: {
      conf: block('passdb', 'passwd-file', '/users', 'deny = yes') + block('passdb', 'static', 'password=s'),
      files: { '/users': 'joe\n' },
    },
    expected: { kind: 'user-disabled' },
  },
  {
    why: 'a reason that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s reason=Later', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': 'jane:{PLAIN}x\n' },
    },
    expected: { kind: 'failed', reason: 'Later' },
  },
  {
    why: 'the field temp that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s temp', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'temporary' },
  },
  {
    why: 'the field code=temp_fail that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=temp_fail', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'temporary' },
  },
  {
    why: 'the field code=pass_expired that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=pass_expired', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'password-expired' },
  },
  {
    why: 'the field code=user_disabled that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=user_disabled', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'user-disabled' },
  },
  {
    why: 'the field code=whatever that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=whatever', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'failed' },
  },
  {
    why: 'an unknown mechanism',
    options: users('joe:{PLAIN}s'),
    login: { mechanism: 'CRAM-MD5' },
    expected: { kind: 'unsupported-mechanism' },
  },
  { why: 'a mechanism in lower case', options: users('joe:{PLAIN}s'), login: { mechanism: 'plain' }, expected: 'ok' },
  {
    why: 'no client certificate',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_ssl_require_client_cert = yes\n${users().conf}` },
    expected: { kind: 'failed', reason: "Client didn't present valid SSL certificate" },
  },
  {
    why: 'credentials for a challenge',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = plain cram-md5\n${users().conf}` },
    login: { mechanism: 'CRAM-MD5' },
    expected: 'ok',
  },
  {
    why: 'a wrong answer to a challenge',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = plain cram-md5\n${users().conf}` },
    password: 'x',
    login: { mechanism: 'CRAM-MD5' },
    expected: { kind: 'failed' },
  },
  {
    why: 'a hash that cannot serve the challenge',
    options: {
      ...users('joe:{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='),
      conf: `auth_mechanisms = plain cram-md5\n${users().conf}`,
    },
    login: { mechanism: 'CRAM-MD5' },
    expected: { kind: 'failed' },
  },
  {
    why: 'anonymous',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = anonymous\n${users().conf}` },
    login: { mechanism: 'ANONYMOUS' },
    expected: 'ok',
  },
  {
    why: 'anonymous where mail is sent',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = anonymous\n${users().conf}` },
    login: { mechanism: 'ANONYMOUS', connection: { service: 'submission' } },
    expected: { kind: 'user-disabled' },
  },
]

for (const { why, options, user = 'joe', password = 's', login, expected } of refusals) {
  test(`a login: ${why}`, async (t) => {
    const db = await openTestAuth(options)
    t.after(() => db.auth.close())
    assert.deepEqual(refusal(await db.login(user, password, login)), expected, db.log.join('\n'))
  })
}

// What the log says.

const verbose = (more: string, ...lines: string[]): OpenOptions => ({
  ...users(...lines),
  conf: `${more}\n${users().conf}`,
})
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

// When it is told.

async function openDelayed(
  conf: string,
  files: Readonly<Record<string, string>> = {},
): Promise<TestAuth & { clock: FakeClock }> {
  const clock = new FakeClock()
  return { ...(await openTestAuth({ conf: `auth_failure_delay = 2 secs\n${conf}`, files, clock })), clock }
}

async function answeredAfter(
  db: { clock: FakeClock },
  login: Promise<AuthOutcome>,
): Promise<{ ms: number; outcome: AuthOutcome }> {
  const start = db.clock.now()
  let answer: { ms: number; outcome: AuthOutcome } | undefined
  void login.then((outcome) => (answer = { ms: db.clock.now() - start, outcome }))
  for (let i = 0; answer === undefined && i < 1000; i++) await db.clock.advance(500)
  assert.ok(answer)
  return answer
}

test('failures wait two seconds and to the next half second, successes do not', async (t) => {
  const db = await openDelayed(block('passdb', 'passwd-file', 'scheme=plain /users'), { '/users': 'joe:{PLAIN}s\n' })
  t.after(() => db.auth.close())
  await db.login('joe', 's')
  assert.equal((await answeredAfter(db, db.login('joe', 'wrong'))).ms, 2000)
  assert.equal((await answeredAfter(db, db.login('nobody', 'wrong'))).ms, 2000)
  assert.equal((await answeredAfter(db, db.login('a b', 'wrong'))).ms, 2000)
})

test('temporary failures wait too', async (t) => {
  const db = await openDelayed(block('passdb', 'static', 'password=%z'))
  t.after(() => db.auth.close())
  const { ms, outcome } = await answeredAfter(db, db.login('joe', 'x'))
  assert.deepEqual(refusal(outcome), { kind: 'temporary' })
  assert.equal(ms, 2000)
})

test('nodelay of a database that counts is told at once', async (t) => {
  const db = await openDelayed(
    block('passdb', 'static', 'password=s nodelay', 'result_success = continue') + users().conf,
    { '/users': 'jane:{PLAIN}x\n' },
  )
  t.after(() => db.auth.close())
  assert.deepEqual(refusal(await db.login('joe', 's')), { kind: 'failed' })
})

test('delay_until holds a good login back, and only that', async (t) => {
  const clock = new FakeClock(1_800_000_000_000)
  const db = {
    ...(await openTestAuth({
      ...users('joe:{PLAIN}s:::::: delay_until=1800000005+3', 'old:{PLAIN}s:::::: delay_until=1700000000+3'),
      clock,
    })),
    clock,
  }
  t.after(() => db.auth.close())
  assert.equal((await db.login('old', 's')).kind, 'ok')
  assert.equal((await db.login('joe', 'x')).kind, 'refused')
  const { ms, outcome } = await answeredAfter(db, db.login('joe', 's'))
  assert.equal(outcome.kind, 'ok')
  assert.equal(ms, 5000)
  assert.equal((await db.auth.lookupPassdb(testConnection, 'joe', never)).kind, 'found')
})

test('a client that leaves does not wait for its failure or its delay', async (t) => {
  const db = await openDelayed(users().conf, { '/users': 'joe:{PLAIN}s:::::: delay_until=1800000100\n' })
  t.after(() => db.auth.close())
  for (const password of ['s', 'wrong']) {
    const leaving = new AbortController()
    const login = db.login('joe', password, { signal: leaving.signal })
    await db.clock.advance(0)
    leaving.abort()
    await login
  }
  await db.clock.advance(1000)
  assert.equal(db.clock.timers, 0)
})

test('what the client breaks off is told at once, in its own words', async (t) => {
  const db = await openDelayed(`auth_mechanisms = login\n${users().conf}`, { '/users': 'joe:{PLAIN}s\n' })
  t.after(() => db.auth.close())
  const { SaslAborted } = await import('../sasl/mechanism.ts')
  for (const [fault, expected] of [
    [new SaslAborted(), { kind: 'aborted' }],
    [new InvalidBase64(), { kind: 'invalid-base64', initial: false }],
    [new Error('connection lost'), { kind: 'aborted' }],
  ] as const) {
    const outcome = await db.auth.authenticate(
      testConnection,
      {
        mechanism: 'LOGIN',
        initial: undefined,
        challenge: () => Promise.reject(fault),
        finish: () => Promise.resolve(),
        channelBinding: () => undefined,
      },
      never,
    )
    assert.deepEqual(refusal(outcome), expected)
  }
  assert.deepEqual(db.log, [])
})

// Services, identities, forwarded fields.

test('mechanisms = none is for lookups without a login', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'static', 'password=x from=lookup', 'mechanisms = none') +
      block('passdb', 'static', 'password=s from=login', 'mechanisms = plain'),
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('joe', 's')
  assert.equal(outcome.kind === 'ok' && outcome.fields.get('from'), 'login')
  const found = await db.auth.lookupPassdb(testConnection, 'joe', never)
  assert.equal(found.kind === 'found' && found.fields.get('from'), 'lookup')
})

test('a protocol block has its own databases, asked before the global ones', async (t) => {
  const db = await openTestAuth({
    conf: `protocol pop3 {\n${block('passdb', 'static', 'password=p from=pop3')}}\n${block('passdb', 'static', 'password=g from=global')}`,
  })
  t.after(() => db.auth.close())
  const from = async (service: string, password: string): Promise<string | undefined> => {
    const outcome = await db.login('joe', password, { connection: { service } })
    return outcome.kind === 'ok' ? outcome.fields.get('from') : undefined
  }
  assert.equal(await from('pop3', 'p'), 'pop3')
  assert.equal(await from('pop3', 'g'), 'global')
  assert.equal(await from('imap', 'p'), undefined)
  assert.equal(await from('imap', 'g'), 'global')
  assert.equal(await from('wibble', 'g'), 'global')
})

test('fields that a trusted proxy forwarded can be used and go on', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'static', 'password=x') +
      block(
        'passdb',
        'static',
        'password=s tenant=%{passdb:forward_tenant} old=%{forward_tenant} none=%{passdb:forward_no:none}',
      ),
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('joe', 's', { connection: { forward: new Map([['tenant', 'acme']]) } })
  assert.deepEqual(outcome.kind === 'ok' && Object.fromEntries(outcome.fields), {
    forward_tenant: 'acme',
    tenant: 'acme',
    old: 'acme',
    none: 'none',
  })
})

test('every %variable of a login has its value', async (t) => {
  const names = [
    ['u', '%u'],
    ['n', '%n'],
    ['d', '%d'],
    ['df', '%{domain_first}'],
    ['dl', '%{domain_last}'],
    ['s', '%s'],
    ['l', '%l'],
    ['r', '%r'],
    ['a', '%a'],
    ['b', '%b'],
    ['rl', '%{real_lip}'],
    ['rr', '%{real_rip}'],
    ['ra', '%{real_lport}'],
    ['rb', '%{real_rport}'],
    ['w', '%w'],
    ['m', '%m'],
    ['c', '%c'],
    ['k', '%k'],
    ['id', '%!'],
    ['h', '%h'],
    ['session', '%{session}'],
    ['ou', '%{orig_user}'],
    ['on', '%{orig_username}'],
    ['od', '%{orig_domain}'],
    ['au', '%{auth_user}'],
    ['lu', '%{login_user}'],
    ['mu', '%{master_user}'],
    ['ln', '%{local_name}'],
    ['ci', '%{client_id}'],
    ['rip2', '%{remote_ip}'],
    ['pid', '%p'],
  ]
  const db = await openTestAuth({
    conf: block('passdb', 'static', `nopassword=y ${names.map(([key, value]) => `${key}=${value}`).join(' ')}`),
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('Joe@A.example@b', 'pw', {
    connection: { localName: 'sni.example', clientId: '("name" "x")', certificateUser: 'joe' },
  })
  assert.deepEqual(outcome.kind === 'ok' && Object.fromEntries(outcome.fields), {
    u: 'joe@a.example@b',
    n: 'joe',
    d: 'a.example@b',
    df: 'a.example',
    dl: 'b',
    s: 'imap',
    l: '192.0.2.1',
    r: '198.51.100.7',
    a: '143',
    b: '40000',
    rl: '10.0.0.1',
    rr: '10.0.0.9',
    ra: '10143',
    rb: '40001',
    w: 'pw',
    m: 'PLAIN',
    c: 'TLS',
    k: 'valid',
    id: '1',
    h: '',
    session: 'sess',
    ou: 'Joe@A.example@b',
    on: 'Joe',
    od: 'A.example@b',
    au: 'Joe@A.example@b',
    lu: '',
    mu: '',
    ln: 'sni.example',
    ci: '("name" "x")',
    rip2: '198.51.100.7',
    pid: String(process.pid),
  })
})

test('the name on the certificate may take the place of the name given', async (t) => {
  const db = await openTestAuth({
    conf: `auth_ssl_username_from_cert = yes\n${block('passdb', 'static', 'password=s')}`,
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('whoever', 's', { connection: { certificateUser: 'Joe' } })
  assert.equal(outcome.kind === 'ok' && `${outcome.originalUser} is ${outcome.user}`, 'whoever is joe')
})

// What is wrong with a configuration.

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

// Explaining.

test('an explanation names each step, its place, the origin of every field, and no secret', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'passwd-file', '/users', 'result_success = continue', 'default_fields = host=10.9.9.9') +
      block('passdb', 'static', 'pass=topsecret port=%a', 'override_fields = tenant=%d'),
    files: { '/users': '# users\njoe@example.org:{PLAIN}storedsecret:::::: host=10.0.0.%n proxy\n' },
  })
  t.after(() => db.auth.close())
  const { steps, outcome } = await db.auth.explain(testConnection, 'Joe@Example.org', new Secret('storedsecret'), never)
  assert.equal(outcome.kind, 'ok')
  assert.deepEqual(
    steps.map(({ part, at }) => [part, at?.line]),
    [
      ['username', undefined],
      ['passdb passwd-file', 3],
      ['passdb static', 9],
    ],
  )
  assert.match(steps[0]?.text ?? '', /Joe@Example\.org -> joe@example\.org/)
  assert.match(steps[1]?.text ?? '', /host=10\.0\.0\.%n -> 10\.0\.0\.joe/)
  assert.deepEqual(Object.fromEntries(steps[1]?.fields ?? []), {
    host: { value: '10.0.0.joe', from: '/users:2' },
    proxy: { value: '', from: '/users:2' },
  })
  assert.deepEqual(Object.fromEntries(steps[2]?.fields ?? []), {
    pass: { value: '[secret]', from: 'args' },
    port: { value: '143', from: 'args' },
    tenant: { value: 'example.org', from: 'override_fields, /dovecot.conf:9' },
  })
  assert.doesNotMatch(
    JSON.stringify(steps, (_, value: unknown) => (value instanceof Map ? [...value] : value)),
    /topsecret|storedsecret/,
  )
})

test('an explanation without a password looks up', async (t) => {
  const db = await openTestAuth(users('joe:{PLAIN}s:::::: host=h'))
  t.after(() => db.auth.close())
  const found = await db.auth.explain(testConnection, 'joe', undefined, never)
  assert.equal(found.outcome.kind, 'found')
  const unknown = await db.auth.explain(testConnection, 'jane', undefined, never)
  assert.equal(unknown.outcome.kind, 'unknown')
  assert.match(unknown.steps.at(-1)?.text ?? '', /unknown user/)
})

test('a fault in a driver is a temporary failure and a line in the log', async (t) => {
  const broken = {
    name: 'static',
    open: () => ({
      defaultScheme: 'PLAIN',
      lookup: () => {
        throw new TypeError('oops')
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  }
  const db = await openTestAuth({ conf: block('passdb', 'static', 'password=s'), input: { passdbDrivers: [broken] } })
  t.after(() => db.auth.close())
  assert.deepEqual(refusal(await db.login('joe', 's')), { kind: 'temporary' })
  assert.match(db.log.join('\n'), /^error auth: static\(joe,198\.51\.100\.7,<sess>\): BUG: TypeError: oops/)
})

test('a driver that never answers is a temporary failure in the end', async (t) => {
  const clock = new FakeClock()
  const silent = {
    name: 'static',
    open: () => ({
      defaultScheme: 'PLAIN',
      lookup: () => new Promise<never>(() => undefined),
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  }
  const db = {
    ...(await openTestAuth({
      conf: block('passdb', 'static', 'password=s'),
      input: { passdbDrivers: [silent] },
      clock,
    })),
    clock,
  }
  t.after(() => db.auth.close())
  const { ms, outcome } = await answeredAfter(db, db.login('joe', 's'))
  assert.deepEqual(refusal(outcome), { kind: 'temporary' })
  assert.equal(ms, 60_000)
  assert.deepEqual(db.log, ['error auth: static(joe,198.51.100.7,<sess>): Lookup timed out after 60 secs'])
})
