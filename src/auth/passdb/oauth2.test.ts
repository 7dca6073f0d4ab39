import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { after, before, describe, test, type TestContext } from 'node:test'
import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import { type OpenidPeer, startOpenid } from '../../../test/peers/openid.ts'
import { freePorts } from '../../../test/support/free-ports.ts'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { Secret } from '../../util/secret.ts'
import type { AuthOutcome } from '../auth.ts'
import { openAuthService } from '../service.ts'
import { openTestAuth, testAuthInput, testConnection, type TestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'

const CONF = `auth_verbose = yes
auth_username_chars =
auth_mechanisms = plain oauthbearer xoauth2
passdb {
  driver = oauth2
  args = /oauth2.ext
}`

type Answer = (request: IncomingMessage, body: string) => { status: number; body: unknown } | undefined

interface Stub {
  readonly url: string
  answer: Answer
  readonly seen: string[]
  start(): Promise<void>
  stop(): Promise<void>
}

/** A token server that answers as it is told; without an answer it hangs. */
async function startStub(answer: Answer): Promise<Stub> {
  let server: Server
  // It keeps its port while it is away.
  const [port = 0] = await freePorts(1)
  const stub = {
    url: `http://127.0.0.1:${port}`,
    answer,
    seen: [] as string[],
    async start() {
      server = createServer((request, response) => void serve(request, response))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString()
    stub.seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''} ${body}`)
    const answered = stub.answer(request, body)
    if (answered === undefined) return
    response.writeHead(answered.status, { 'content-type': 'application/json' })
    response.end(typeof answered.body === 'string' ? answered.body : JSON.stringify(answered.body))
  }
  await stub.start()
  return stub
}

async function open(t: TestContext, settings: string, files: Record<string, string> = {}): Promise<TestAuth> {
  const opened = await openTestAuth({
    conf: CONF,
    files: { ...files, '/oauth2.ext': settings },
    clock: systemClock,
  })
  t.after(() => opened.auth.close())
  return opened
}

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

const tokens = new Map(TEST_USERS.map(({ name, password, host }) => [password, { name, host }]))

function tokenInfo(request: IncomingMessage): ReturnType<Answer> {
  const token = decodeURIComponent(request.url?.slice('/info/'.length) ?? '')
  const user = tokens.get(token)
  return user === undefined
    ? { status: 400, body: { error: 'invalid_token' } }
    : { status: 200, body: { email: user.name, host: user.host, active: true } }
}

passdbSuite({
  name: 'oauth2, token info',
  async open(cleanup) {
    const stub = await startStub(tokenInfo)
    cleanup(() => stub.stop())
    const opened = await openTestAuth({
      conf: CONF,
      files: {
        '/oauth2.ext': `tokeninfo_url = ${stub.url}/info/\ntimeout_msecs = 6000\nusername_format = %u\npass_attrs = host=%{oauth2:host}`,
      },
      clock: systemClock,
    })
    return {
      ...opened,
      cannotLookUp: true,
      outage: { begin: () => stub.stop(), end: () => stub.start() },
      hang: {
        begin: () => (stub.answer = () => undefined),
        end: () => (stub.answer = tokenInfo),
      },
      changePassword(name, password) {
        const [old = '', user] = [...tokens].find(([, each]) => each.name === name) ?? []
        assert.ok(user)
        tokens.delete(old)
        tokens.set(password, user)
        return Promise.resolve()
      },
    }
  },
})

describe('a token server', () => {
  let stub: Stub
  before(async () => {
    stub = await startStub(() => undefined)
  })
  after(() => stub.stop())

  const modes: readonly (readonly [mode: string, url: string, sent: string])[] = [
    ['auth', '/i', 'GET /i Bearer tok+/= '],
    ['get', '/i?t=', 'GET /i?t=tok%2B%2F%3D  '],
    ['post', '/i', 'POST /i  token=tok%2B%2F%3D'],
  ]
  for (const [mode, url, sent] of modes) {
    test(`introspection by ${mode}`, async (t) => {
      const db = await open(t, `introspection_url = ${stub.url}${url}\nintrospection_mode = ${mode}`)
      stub.answer = () => ({ status: 200, body: { active: true, email: 'Joe' } })
      const outcome = await db.login('joe', 'tok+/=')
      assert.equal(stub.seen.at(-1), sent)
      assert.equal(outcome.kind === 'ok' && outcome.fields.get('token'), 'tok+/=')
      stub.answer = () => ({ status: 200, body: { active: false } })
      assert.equal(kindOf(await db.login('joe', 'tok')), 'failed')
      stub.answer = () => ({ status: 401, body: {} })
      assert.equal(kindOf(await db.login('joe', 'tok')), mode === 'post' ? 'temporary' : 'failed')
    })
  }

  const answers: readonly (readonly [body: unknown, status: number, expected: string, why: string])[] = [
    [{ email: 'joe' }, 200, 'ok', 'no word about being active'],
    [{ email: 'jane' }, 200, 'failed', "somebody else's token"],
    [{ email: 'joe', active: 'no' }, 200, 'failed', 'not active'],
    [{ email: ['joe'] }, 200, 'ok', 'a list of one'],
    [{ active: true }, 200, 'temporary', 'nobody knows whose it is'],
    [{ email: { a: 1 } }, 200, 'temporary', 'an object is no name'],
    ['{"email":', 200, 'temporary', 'no JSON'],
    ['[]', 200, 'temporary', 'no object'],
    ['null', 200, 'temporary', 'nothing'],
    [`"${'x'.repeat(300_000)}"`, 200, 'temporary', 'too long'],
    [{}, 500, 'temporary', 'the server has a fault'],
    [{}, 403, 'temporary', 'we may not ask'],
    [{}, 302, 'temporary', 'a token follows no redirection'],
    [{}, 400, 'failed', 'the token is wrong'],
  ]
  for (const [body, status, expected, why] of answers) {
    test(`an answer: ${why}`, async (t) => {
      const db = await open(t, `tokeninfo_url = ${stub.url}/\n`)
      stub.answer = () => ({ status, body })
      assert.equal(kindOf(await db.login('joe', 'tok')), expected, db.log.join('\n'))
    })
  }

  test('all wanted scopes must be there; a missing one disables the user', async (t) => {
    const db = await open(t, `tokeninfo_url = ${stub.url}/\nscope = mail imap`)
    stub.answer = () => ({ status: 200, body: { email: 'joe', scope: 'imap openid mail' } })
    assert.equal(kindOf(await db.login('joe', 'tok')), 'ok')
    stub.answer = () => ({ status: 200, body: { email: 'joe', scope: 'mail', aud: 'imap' } })
    assert.equal(kindOf(await db.login('joe', 'tok')), 'user-disabled')
  })

  test('a server that hangs is a temporary failure after timeout_msecs', async (t) => {
    const db = await open(t, `tokeninfo_url = ${stub.url}/\ntimeout_msecs = 200`)
    stub.answer = () => undefined
    assert.equal(kindOf(await db.login('joe', 'tok')), 'temporary')
    assert.match(db.log.join('\n'), /no answer in time/)
  })

  test('a token that could not stand in a header is asked of nobody', async (t) => {
    const db = await open(t, `tokeninfo_url = ${stub.url}/`)
    const before = stub.seen.length
    for (const token of ['a b', 'a"', 'ü', 'a\u007f', '=']) assert.equal(kindOf(await db.login('joe', token)), 'failed')
    assert.equal(stub.seen.length, before)
  })

  test('the password grant: right, wrong, and a client that is not allowed to', async (t) => {
    const db = await open(
      t,
      `grant_url = ${stub.url}/token\nuse_grant_password = yes\nclient_id = us&\nclient_secret = s3\nscope = mail`,
    )
    stub.answer = (_, body) => {
      const form = new URLSearchParams(body)
      if (form.get('client_id') !== 'us&' || form.get('client_secret') !== 's3')
        return { status: 401, body: { error: 'invalid_client' } }
      if (form.get('username') !== "jo'e&x" || form.get('password') !== 'p&w=')
        return { status: 400, body: { error: 'invalid_grant' } }
      return { status: 200, body: { access_token: 'abc' } }
    }
    const outcome = await db.login("jo'e&x", 'p&w=')
    assert.equal(outcome.kind === 'ok' && outcome.fields.get('token'), 'abc')
    assert.equal(kindOf(await db.login("jo'e&x", 'wrong')), 'failed')
    stub.answer = () => ({ status: 401, body: { error: 'invalid_client' } })
    assert.equal(kindOf(await db.login("jo'e&x", 'p&w=')), 'temporary')
  })

  test('OAUTHBEARER and XOAUTH2 carry tokens, and a refusal tells where to get one', async (t) => {
    const db = await open(
      t,
      `tokeninfo_url = ${stub.url}/\nopenid_configuration_url = https://id.example/c\nuse_grant_password = yes\ngrant_url = ${stub.url}/g\nclient_id = x`,
    )
    stub.answer = (request) =>
      request.url === '/good' ? { status: 200, body: { email: 'joe' } } : { status: 401, body: {} }
    const challenges: string[] = []
    const login = async (mechanism: string, message: string): Promise<AuthOutcome> =>
      await db.auth.authenticate(
        testConnection,
        {
          mechanism,
          initial: new Secret(message),
          challenge: (data) => {
            challenges.push(data.toString())
            return Promise.resolve(Buffer.from('\x01'))
          },
          finish: () => Promise.resolve(),
          channelBinding: () => undefined,
        },
        new AbortController().signal,
      )
    const bearer = (token: string): string => `n,a=joe,\x01auth=Bearer ${token}\x01\x01`
    assert.equal(kindOf(await login('OAUTHBEARER', bearer('good'))), 'ok')
    assert.equal(kindOf(await login('XOAUTH2', 'user=joe\x01auth=Bearer good\x01\x01')), 'ok')
    assert.equal(kindOf(await login('OAUTHBEARER', bearer('bad'))), 'failed')
    assert.equal(challenges.at(-1), '{"status":"invalid_token","openid-configuration":"https://id.example/c"}')
  })
})

describe('tokens checked here', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const secret = Buffer.from('0123456789abcdef0123456789abcdef')
  const pem = ({ publicKey }: { publicKey: KeyObject }): string =>
    publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const keys = {
    '/keys/default/RS256/default': pem(rsa),
    '/keys/a%2fb/ES256/k%251': pem(ec),
    '/keys/default/HS256/default': secret.toString('base64'),
    // What a confused server would take for an HS secret.
    '/keys/default/HS512/default': '',
  }
  const settings =
    'introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=/keys/\nclient_id = postern\nissuers = https://id.example https://other.example\n'

  const now = (): number => Math.floor(Date.now() / 1000)
  const claims = (more: JWTPayload = {}): JWTPayload => ({
    email: 'joe',
    iss: 'https://id.example',
    aud: 'postern',
    iat: now(),
    exp: now() + 60,
    ...more,
  })
  const without = (name: string): JWTPayload =>
    Object.fromEntries(Object.entries(claims()).filter(([claim]) => claim !== name))
  const sign = (
    payload: JWTPayload,
    key: KeyObject | Uint8Array = rsa.privateKey,
    header: Record<string, string> = {},
  ): Promise<string> => new SignJWT(payload).setProtectedHeader({ alg: 'RS256', ...header }).sign(key)
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

  const rows: readonly (readonly [why: string, expected: string, token: () => Promise<string> | string])[] = [
    ['a good one', 'ok', () => sign(claims())],
    ['for several audiences', 'ok', () => sign(claims({ aud: ['a', 'postern'] }))],
    [
      'by a named key of a named client',
      'ok',
      () => sign(claims({ azp: 'a/b' }), ec.privateKey, { alg: 'ES256', kid: 'k%1' }),
    ],
    ['by a secret', 'ok', () => sign(claims(), secret, { alg: 'HS256' })],
    ['of somebody else', 'failed', () => sign(claims({ email: 'jane' }))],
    ['expired', 'failed', () => sign(claims({ exp: now() - 1, iat: now() - 60 }))],
    ['without an end', 'failed', () => sign(without('exp'))],
    ['not valid yet', 'failed', () => sign(claims({ nbf: now() + 30 }))],
    ['from the future', 'failed', () => sign(claims({ iat: now() + 30 }))],
    ['with an end that is no number', 'failed', () => sign(claims({ exp: 'soon' as unknown as number }))],
    ['of another issuer', 'failed', () => sign(claims({ iss: 'https://evil.example' }))],
    ['of no issuer', 'failed', () => sign(without('iss'))],
    ['for another audience', 'failed', () => sign(claims({ aud: 'x' }))],
    ['for nobody', 'failed', () => sign(without('aud'))],
    ['by another key', 'failed', () => sign(claims(), other.privateKey)],
    ['by a key nobody knows', 'failed', () => sign(claims(), rsa.privateKey, { kid: 'other' })],
    ['by an empty secret', 'temporary', () => sign(claims(), secret, { alg: 'HS512' })],
    ['by the public key as a secret', 'failed', () => sign(claims(), Buffer.from(pem(rsa)), { alg: 'HS256' })],
    ['that leads out of the directory', 'failed', () => sign(claims({ azp: '..' }), rsa.privateKey, { kid: '..' })],
    ['with alg=none', 'failed', () => `${part({ alg: 'none' })}.${part(claims())}.`],
    ['with alg=NoNe and a signature', 'failed', () => `${part({ alg: 'NoNe' })}.${part(claims())}.AAAA`],
    ['with a signature cut off', 'failed', async () => (await sign(claims())).replace(/[^.]*$/, '')],
    [
      'with another body',
      'failed',
      async () => (await sign(claims())).replace(/\.[^.]*\./, `.${part(claims({ email: 'joe', x: 1 }))}.`),
    ],
    ['that is no JSON', 'failed', () => 'AAAA.BBBB.CCCC'],
    ['that is opaque', 'failed', () => 'opaque'],
  ]
  for (const [why, expected, token] of rows) {
    test(`a token ${why}: ${expected}`, async (t) => {
      const db = await open(t, settings, keys)
      assert.equal(kindOf(await db.login('joe', await token())), expected, db.log.join('\n'))
    })
  }

  test('an opaque token is asked of its server, when there is one', async (t) => {
    const stub = await startStub(() => ({ status: 200, body: { email: 'joe' } }))
    t.after(() => stub.stop())
    const db = await open(t, `local_validation_key_dict = fs:posix:prefix=/keys/\ntokeninfo_url = ${stub.url}/`, keys)
    assert.equal(kindOf(await db.login('joe', 'opaque')), 'ok')
    assert.equal(kindOf(await db.login('joe', `${part({ alg: 'none' })}.${part(claims())}.`)), 'failed')
    assert.equal(stub.seen.length, 1)
  })

  test('key sets: fetched once, again for a new key, kept while their server is down', async (t) => {
    let set = { keys: [{ ...(await exportJWK(rsa.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }
    const stub = await startStub((request) => ({
      status: 200,
      body: request.url === '/keys' ? set : { issuer: 'https://id.example', jwks_uri: `${stub.url}/keys` },
    }))
    const db = await open(
      t,
      `introspection_mode = local\nopenid_configuration_url = ${stub.url}/c\nclient_id = postern`,
    )
    const login = async (key: KeyObject, kid: string, more: JWTPayload = {}): Promise<string> =>
      kindOf(await db.login('joe', await sign(claims(more), key, { kid })))
    const together = await Promise.all(Array.from({ length: 20 }, () => login(rsa.privateKey, 'one')))
    assert.deepEqual(new Set(together), new Set(['ok']))
    assert.equal(stub.seen.length, 2)
    assert.equal(await login(rsa.privateKey, 'one', { iss: 'https://other.example' }), 'failed', 'another issuer')
    assert.equal(await login(other.privateKey, 'one'), 'failed', 'another key under that name')
    assert.equal(await login(other.privateKey, 'two'), 'failed', 'it was asked a moment ago')
    set = { keys: [] }
    assert.equal(stub.seen.length, 2)
    await stub.stop()
    assert.equal(await login(rsa.privateKey, 'one'), 'ok')
  })

  test('a key server that is down, hangs or talks nonsense is a temporary failure', async (t) => {
    const token = await sign(claims())
    const stub = await startStub(() => undefined)
    t.after(() => stub.stop())
    for (const answer of [
      () => undefined,
      () => ({ status: 200, body: '{' }),
      () => ({ status: 200, body: {} }),
      () => ({ status: 404, body: {} }),
    ] as Answer[]) {
      stub.answer = answer
      const db = await open(
        t,
        `introspection_mode = local\nopenid_configuration_url = ${stub.url}/c\ntimeout_msecs = 200`,
      )
      assert.equal(kindOf(await db.login('joe', token)), 'temporary')
    }
  })
})

describe('a real OpenID provider', () => {
  let peer: OpenidPeer
  before(async () => {
    peer = await startOpenid(['joe', 'jane'])
  })
  after(() => peer.stop())

  test('opaque tokens by introspection', async (t) => {
    const db = await open(
      t,
      `introspection_url = ${peer.introspectionUrl}\nintrospection_mode = post\nusername_attribute = client_id\nscope = mail`,
    )
    const token = await peer.token('joe', 'opaque')
    assert.equal(kindOf(await db.login('joe', token)), 'ok', db.log.join('\n'))
    assert.equal(kindOf(await db.login('jane', token)), 'failed')
    assert.equal(kindOf(await db.login('joe', `${token}x`)), 'failed')
  })

  test('JWTs by its key set', async (t) => {
    const db = await open(
      t,
      `introspection_mode = local\nopenid_configuration_url = ${peer.configurationUrl}\nissuers = ${peer.issuer}\nclient_id = postern\nusername_attribute = client_id\nscope = mail`,
    )
    const token = await peer.token('joe', 'jwt')
    assert.equal(kindOf(await db.login('joe', token)), 'ok', db.log.join('\n'))
    assert.equal(kindOf(await db.login('jane', token)), 'failed')
    assert.equal(kindOf(await db.login('joe', token.slice(0, -8))), 'failed')
  })
})

const faults: readonly (readonly [settings: string, complaint: RegExp])[] = [
  ['', /Password grant or token info or introspection required/],
  ['introspection_mode = local', /local_validation_key_dict is required/],
  ['tokeninfo_url = ftp://x', /Invalid URL: ftp:\/\/x/],
  ['tokeninfo_url = http://x\nuse_grant_password = yes', /use_grant_password requires/],
  ['local_validation_key_dict = redis:', /is not supported/],
  ['introspection_mode = maybe', /Invalid value: maybe/],
]
for (const [settings, complaint] of faults) {
  test(`an ext file may not say: ${settings === '' ? 'nothing' : settings}`, async () => {
    const { input } = testAuthInput({ conf: CONF, files: { '/oauth2.ext': settings } })
    await assert.rejects(openAuthService(input), { message: complaint })
  })
}
