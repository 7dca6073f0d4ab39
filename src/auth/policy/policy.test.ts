import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { AuthOutcome } from '../auth.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { logIn, type LoginOptions, testAuthInput } from '../testing/open-auth.ts'
import { openAuthService } from '../service.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'

// Expected bodies, replies and log lines are those of Dovecot 2.3.19 with the same configuration.

interface Request {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Answer = (request: Request, count: number) => readonly [status: number, body: string] | 'hang' | 'close'

/** A policy server that remembers what it was asked. */
async function startPolicyServer(t: TestContext, answer: Answer) {
  const requests: Request[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { url = '', headers } = incoming
      const request = { url, headers, body: Buffer.concat(chunks).toString('utf8') }
      const count = requests.push(request)
      const said = answer(request, count)
      if (said === 'close') incoming.socket.destroy()
      else if (said !== 'hang') response.writeHead(said[0]).end(said[1])
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const FINE = [200, '{"status":0,"msg":"fine"}'] as const

interface Scene {
  readonly requests: readonly Request[]
  readonly log: readonly string[]
  readonly clock: FakeClock
  readonly login: (user: string, password: string, options?: LoginOptions) => Promise<AuthOutcome>
  /** Reports come after the answer. */
  readonly reported: (count: number) => Promise<void>
}

const SETTINGS = `auth_verbose = yes
auth_mechanisms = plain cram-md5 anonymous external
auth_master_user_separator = *
auth_policy_hash_nonce = pepper
passdb {
  driver = passwd-file
  master = yes
  args = /users
}
passdb {
  driver = passwd-file
  args = /users
}
`

async function open(t: TestContext, answer: Answer, settings: { suffix?: string; more?: string } = {}): Promise<Scene> {
  const { requests, url } = await startPolicyServer(t, answer)
  const clock = new FakeClock()
  const conf = `${SETTINGS}auth_policy_server_url = ${url}/${settings.suffix ?? ''}\n${settings.more ?? ''}`
  const { input, log } = testAuthInput({ conf, files: { '/users': 'joe:{PLAIN}x\nadmin:{PLAIN}m\n' }, clock })
  const auth = await openAuthService(input)
  t.after(() => auth.close())
  return {
    requests,
    log,
    clock,
    login: (user, password, options) =>
      logIn(auth, user, password, {
        ...options,
        connection: { remote: { ip: '127.0.0.1', port: 1 }, session: 'abc', secured: '', ...options?.connection },
      }),
    async reported(count) {
      while (requests.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    },
  }
}

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)
const reasonOf = (outcome: AuthOutcome): string | undefined =>
  outcome.kind === 'refused' && outcome.why.kind === 'failed' ? outcome.why.reason : undefined

test('a login is asked about before and after the databases, and reported', async (t) => {
  const { login, requests, reported } = await open(t, () => FINE)
  assert.equal(kindOf(await login('Joe', 'x')), 'ok')
  await reported(3)
  const attributes =
    '"device_id":"","login":"joe","protocol":"imap","pwhash":"09ab","remote":"127.0.0.1","session_id":"abc"'
  assert.deepEqual(
    requests.map(({ url, body }) => [url, body]),
    [
      ['/?command=allow', `{${attributes},"tls":false}`],
      ['/?command=allow', `{${attributes},"tls":false}`],
      ['/?command=report', `{${attributes},"success":true,"policy_reject":false,"tls":false}`],
    ],
  )
  assert.equal(requests[0]?.headers['content-type'], 'application/json')
})

const bodies: readonly [why: string, run: (scene: Scene) => Promise<unknown>, expected: readonly RegExp[]][] = [
  [
    'a wrong password is asked about once, and reported',
    ({ login }) => login('joe', 'bad'),
    [/"pwhash":"0000",.*"tls":false/, /"pwhash":"0000",.*"success":false,"policy_reject":false,"tls":false/],
  ],
  [
    'a name that may not be is only reported, without name or password',
    ({ login }) => login('jo e', 'bad'),
    [/"login":"","protocol":"imap","pwhash":"0237",.*"success":false/],
  ],
  [
    'a master login is one of the target',
    ({ login }) => login('joe*admin', 'm'),
    [/"login":"joe",.*"pwhash":"00bc"/, /"login":"joe",.*"pwhash":"00bc"/, /"login":"joe",.*"success":true/],
  ],
  [
    'a mechanism without a password sends the hash of none',
    ({ login }) => login('joe', 'bad', { mechanism: 'CRAM-MD5' }),
    [/"login":"joe",.*"pwhash":"0b24"/, /"pwhash":"0b24",.*"success":false/],
  ],
  [
    'ANONYMOUS is asked about afterwards only',
    ({ login }) => login('', '', { mechanism: 'ANONYMOUS' }),
    [/"login":"anonymous",.*"pwhash":"0ea0"/, /"pwhash":"0ea0",.*"success":true/],
  ],
  [
    'a client with TLS',
    ({ login }) => login('joe', 'bad', { connection: { secured: 'TLS' } }),
    [/"tls":true\}$/, /"success":false,"policy_reject":false,"tls":true\}$/],
  ],
]

for (const [why, run, expected] of bodies) {
  test(`what the policy server is told: ${why}`, async (t) => {
    const scene = await open(t, () => FINE)
    await run(scene)
    await scene.reported(expected.length)
    assert.equal(scene.requests.length, expected.length)
    expected.forEach((pattern, index) => assert.match(scene.requests[index]?.body ?? '', pattern))
  })
}

test('attributes, hash, URL and header are those of the settings', async (t) => {
  const { login, requests } = await open(t, () => FINE, {
    suffix: 'x?a=b&',
    more: `auth_policy_server_api_header = X-Key: v
auth_policy_request_attributes = b/z=%{rip} a=%u b/a=%{requested_username} q=%{hashed_password} b/c/d=x%s long=%{session}
auth_policy_hash_mech = md5
auth_policy_hash_truncate = 0
auth_policy_check_after_auth = no
auth_policy_report_after_auth = no`,
  })
  await login('joe', 'x')
  assert.equal(requests.length, 1)
  assert.equal(requests[0]?.url, '/x?a=b&command=allow')
  assert.equal(requests[0]?.headers['x-key'], 'v')
  assert.equal(
    requests[0]?.body,
    '{"a":"joe","b":{"a":"joe","c/d":"ximap","z":"127.0.0.1"},"long":"abc","q":"7e3477aaff5d0b161af8751c5dae8acd","tls":false}',
  )
})

test('a bare header value is an X-API-Key; without the check before, only passwords that are right are asked about', async (t) => {
  const { login, requests, reported } = await open(t, () => FINE, {
    more: 'auth_policy_server_api_header = barekey\nauth_policy_check_before_auth = no',
  })
  await login('joe', 'bad')
  await login('joe', 'x')
  await reported(3)
  assert.deepEqual(requests.map(({ url }) => url).sort(), ['/?command=allow', '/?command=report', '/?command=report'])
  assert.equal(requests[0]?.headers['x-api-key'], 'barekey')
})

const answers: readonly [answer: Answer, why: string, kind: string, reason: string | undefined, log: string][] = [
  [
    () => [200, '{"status":-1,"msg":"go away"}'],
    'refuses with a message',
    'failed',
    'go away',
    'Authentication failure due to policy server refusal: go away',
  ],
  [
    () => [200, '{"x":{"y":[1,2]},"status":-1}'],
    'refuses without one',
    'failed',
    undefined,
    'Authentication failure due to policy server refusal',
  ],
  [
    (_, count) => [200, count === 2 ? '{"status":-1,"msg":"after"}' : '{"status":0,"msg":""}'],
    'refuses afterwards',
    'failed',
    'after',
    'Policy check action is drop connection',
  ],
  [() => [500, 'no'], 'fails', 'ok', undefined, 'Policy server HTTP error: 500 Internal Server Error'],
  [() => [200, '[]'], 'is no object', 'ok', undefined, "Policy server response JSON parse error: Object doesn't begin"],
  [() => [200, 'junk'], 'is no JSON', 'ok', undefined, 'Policy server response JSON parse error: '],
  [() => [200, '{}'], 'says nothing', 'ok', undefined, ''],
  [
    () => [200, '{"status":"-1","msg":5}'],
    'has the wrong types',
    'ok',
    undefined,
    'Policy server response was malformed',
  ],
  [() => [200, `{"status":0,"msg":"${'x'.repeat(70_000)}"}`], 'is endless', 'ok', undefined, 'answer is longer than'],
  [() => 'close', 'is a closed connection', 'ok', undefined, 'Policy server HTTP error: '],
]

for (const [answer, why, kind, reason, line] of answers) {
  test(`an answer that ${why}: ${kind}`, async (t) => {
    const { login, log } = await open(t, answer)
    const outcome = await login('joe', 'x')
    assert.equal(kindOf(outcome), kind)
    assert.equal(reasonOf(outcome), reason)
    assert.ok(line === '' || log.some((entry) => entry.includes(line)), log.join('\n'))
    if (kind === 'ok' && line !== '') assert.match(log.join('\n'), /error auth: policy\(joe,127\.0\.0\.1,<abc>\): /)
  })

  test(`an answer that ${why}, with auth_policy_reject_on_fail: failed`, async (t) => {
    const { login } = await open(t, answer, { more: 'auth_policy_reject_on_fail = yes' })
    assert.equal(kindOf(await login('joe', 'x')), 'failed')
  })

  test(`an answer that ${why}, with auth_policy_log_only: ok`, async (t) => {
    const { login, log, requests, reported } = await open(t, answer, { more: 'auth_policy_log_only = yes' })
    assert.equal(kindOf(await login('joe', 'x')), 'ok')
    await reported(3)
    assert.match(log[0] ?? '', /warning auth: auth-policy: Currently in log-only mode/)
    if (kind === 'failed') {
      assert.match(log.join('\n'), /Policy check action 'drop connection' ignored/)
      assert.match(requests[2]?.body ?? '', /"success":true,"policy_reject":true/)
    }
  })
}

test('a refusal before the databases asks no database, and is reported as one', async (t) => {
  const { login, requests, log, reported } = await open(t, () => [200, '{"status":-1,"msg":"no"}'])
  await login('joe', 'wrong')
  await reported(2)
  assert.match(requests[1]?.body ?? '', /"success":false,"policy_reject":true/)
  assert.doesNotMatch(log.join('\n'), /Password mismatch/)
})

test('a positive status holds the login back so many seconds, once', async (t) => {
  const { login, clock, requests, log } = await open(t, () => [200, '{"status":2,"msg":"slow"}'])
  const outcome = login('joe', 'x')
  while (clock.timers === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await clock.advance(1999)
  assert.equal(requests.length, 1)
  await clock.advance(1)
  assert.equal(kindOf(await outcome), 'ok')
  assert.match(
    log.join('\n'),
    /info auth: policy\(joe,127\.0\.0\.1,<abc>\): Policy check action is tarpit 2 second\(s\)/,
  )
})

test('a server that hangs is waited for as long as auth_policy_server_timeout_msecs says', async (t) => {
  const { login, log } = await open(t, () => 'hang', { more: 'auth_policy_server_timeout_msecs = 50' })
  assert.equal(kindOf(await login('joe', 'x')), 'ok')
  assert.match(log.join('\n'), /Policy server HTTP error: no answer within 50 msecs/)
})

test('a message becomes no line of the protocol', async (t) => {
  const { login } = await open(t, () => [200, JSON.stringify({ status: -1, msg: 'a\r\nb NO\tc' })])
  assert.equal(reasonOf(await login('joe', 'x')), 'a b NO c')
})

test('names and attributes with quotes and digits stay where they are', async (t) => {
  const { login, requests } = await open(t, () => FINE, {
    more: 'auth_username_chars =\nauth_policy_request_attributes = login=%u 2=b 10=a "=q',
  })
  await login('a"b\\c', 'bad')
  assert.equal(requests[0]?.body, '{"\\"":"q","10":"a","2":"b","login":"a\\"b\\\\c","tls":false}')
})

test('the policy server sees no password, only some bits of its hash', async (t) => {
  const { login, requests } = await open(t, () => FINE)
  await login('joe', 'verysecret')
  assert.doesNotMatch(requests.map(({ body }) => body).join(''), /verysecret|%w/)
  assert.match(requests[0]?.body ?? '', /"pwhash":"0[0-9a-f]{3}"/)
})

test('a check finds a policy server that is not there', async (t) => {
  const { url } = await startPolicyServer(t, () => [404, ''])
  for (const [address, expected] of [
    [url, undefined],
    ['http://127.0.0.1:1', /refused/i],
  ] as const) {
    const { input } = testAuthInput({ conf: `${SETTINGS}auth_policy_server_url = ${address}`, files: { '/users': '' } })
    const auth = await openAuthService(input)
    t.after(() => auth.close())
    const found = (await auth.check(AbortSignal.timeout(PATIENCE_MS))).find(({ part }) => part === 'policy server')
    if (expected === undefined) assert.equal(found?.problem, undefined)
    else assert.match(found?.problem ?? '', expected)
  }
})
