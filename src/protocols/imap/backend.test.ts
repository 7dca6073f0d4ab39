import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  play,
  type Peer,
  streamAndPeer,
  type TestBackendIo,
  testBackendIo,
  testTarget,
} from '../../../test/support/protocol-session.ts'
import { Secret } from '../../util/secret.ts'
import type { BackendWelcome, ClientIdentity, ProxyTarget } from '../protocol.ts'
import { ProxyFailure, type ProxyFailureClass } from '../proxy-failure.ts'
import { backend } from './backend.ts'

interface Conversation {
  readonly io: TestBackendIo
  readonly peer: Peer
  readonly result: Promise<BackendWelcome>
}

function start(target: Partial<ProxyTarget> = {}, identity: Partial<ClientIdentity> = {}): Conversation {
  const { stream, peer } = streamAndPeer()
  const io = testBackendIo(stream, { identity })
  const result = backend(io, testTarget(target))
  result.catch(() => {})
  return { io, peer, result }
}

async function run(
  script: readonly string[],
  target: Partial<ProxyTarget> = {},
  identity: Partial<ClientIdentity> = {},
): Promise<Conversation> {
  const conversation = start(target, identity)
  await play(conversation.peer, script)
  return conversation
}

async function failureOf({ result }: Conversation): Promise<ProxyFailure> {
  const failure = await result.then(
    () => assert.fail('logged in'),
    (error: unknown) => error,
  )
  assert.ok(failure instanceof ProxyFailure, String(failure))
  return failure
}

const ID =
  'I ID ("x-session-id" "zCeS6dBg/7B/AE0B" "x-originating-ip" "127.0.77.1" "x-originating-port" "45311" "x-connected-ip" "127.0.77.2" "x-connected-port" "27143" "x-proxy-ttl" "4")'
const LOGIN = 'L LOGIN "t1" "secret"'
const PLAIN = Buffer.from('t1\0adm\0mpass').toString('base64')
const MASTER: Partial<ProxyTarget> = { master: 'adm', secret: new Secret('mpass') }

test('ID and LOGIN leave in one write behind the banner', async () => {
  const { peer, result, io } = await run([
    'B: * OK [CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ AUTH=PLAIN] fake ready.',
    `P: ${ID}`,
    `P: ${LOGIN}`,
    'B: * ID ("name" "fake")',
    'B: I OK ID completed.',
    'B: L OK [CAPABILITY IMAP4rev1 POSTLOGIN] Logged in',
  ])
  assert.deepEqual(await result, { untagged: [], lines: ['OK [CAPABILITY IMAP4rev1 POSTLOGIN] Logged in'] })
  assert.equal(peer.writes.length, 1)
  assert.deepEqual(io.done.steps, ['/none', '/banner', 'id+login/banner', 'login/id', '/login'])
})

test('a banner without capabilities means asking for them, no ID and no initial response', async () => {
  const { peer, result, io } = await run([
    'B: * OK ready',
    'P: C CAPABILITY',
    `P: ${LOGIN}`,
    'B: * CAPABILITY IMAP4rev1 IDLE',
    'B: C OK',
    'B: L OK Logged in',
  ])
  assert.deepEqual(await result, { untagged: [], lines: ['OK [CAPABILITY IMAP4rev1 IDLE] Logged in'] })
  assert.equal(peer.writes.length, 1)
  assert.ok(io.done.steps.includes('capability+login/banner'))
  const sasl = await run(
    ['B: * OK ready', 'P: C CAPABILITY', 'P: L AUTHENTICATE PLAIN', 'B: C OK', 'B: + ', `P: ${PLAIN}`],
    MASTER,
  )
  sasl.peer.send('L OK in\r\n')
  await sasl.result
})

test('a client that asked CAPABILITY itself gets the answer of the backend before the tagged OK', async () => {
  const script = ['B: * OK [CAPABILITY IMAP4rev1 ID] ready', `P: ${ID}`, 'P: C CAPABILITY', `P: ${LOGIN}`, 'B: I OK']
  const answered = await run(
    [...script, 'B: * CAPABILITY X Y', 'B: C OK', 'B: L OK Logged in'],
    {},
    { askedCapability: true },
  )
  assert.deepEqual(await answered.result, { untagged: ['* CAPABILITY X Y'], lines: ['OK Logged in'] })
  const refused = await run([...script, 'B: C NO', 'B: L OK [CAPABILITY P] hi'], {}, { askedCapability: true })
  assert.deepEqual(await refused.result, { untagged: ['* CAPABILITY P'], lines: ['OK [CAPABILITY P] hi'] })
})

test('with STARTTLS everything but STARTTLS itself goes inside TLS', async () => {
  const { peer, result, io } = await run(
    [
      'B: * OK [CAPABILITY IMAP4rev1 SASL-IR ID STARTTLS LOGINDISABLED AUTH=PLAIN] fake',
      'P: S STARTTLS',
      'B: S OK Begin',
      `P: ${ID}`,
      `P: ${LOGIN}`,
      'B: I OK',
      'B: L OK [CAPABILITY IMAP4rev1] in',
    ],
    { tls: 'starttls' },
  )
  assert.deepEqual(await result, { untagged: [], lines: ['OK [CAPABILITY IMAP4rev1] in'] })
  assert.deepEqual(peer.writes, ['S STARTTLS\r\n', `${ID}\r\n${LOGIN}\r\n`])
  assert.deepEqual(io.done.steps.slice(2, 6), [
    'starttls/banner',
    '/starttls',
    'id+login/starttls',
    'id+login/starttls',
  ])
  assert.equal(io.done.unreadAtTls.length, 1)
})

test('with STARTTLS and no capabilities in the banner they are asked for inside TLS', async () => {
  const { result } = await run(
    ['B: * OK x', 'P: S STARTTLS', 'B: S OK', 'P: C CAPABILITY', `P: ${LOGIN}`, 'B: C OK', 'B: L OK in'],
    { tls: 'starttls' },
  )
  assert.deepEqual(await result, { untagged: [], lines: ['OK in'] })
})

test('with proxy_nopipelining each command waits for the reply before it', async () => {
  const { result, io, peer } = await run(
    [
      'B: * OK [CAPABILITY IMAP4rev1 ID] x',
      `P: ${ID}`,
      'B: I BAD what',
      'P: C CAPABILITY',
      'B: C NO never',
      `P: ${LOGIN}`,
      'B: L OK in',
    ],
    { nopipelining: true },
    { askedCapability: true },
  )
  assert.equal((await result).lines[0], 'OK in')
  assert.equal(peer.writes.length, 3)
  assert.deepEqual(io.done.steps.slice(2), [
    'id/banner',
    '/id',
    'capability/id',
    '/capability',
    'login/capability',
    '/login',
  ])
})

test('proxy_not_trusted keeps ID to ourselves', async () => {
  const { result } = await run(['B: * OK [CAPABILITY IMAP4rev1 ID] x', `P: ${LOGIN}`, 'B: L OK in'], {
    notTrusted: true,
  })
  await result
})

test('a master user logs in with PLAIN, in one step where the backend can', async () => {
  const { result, peer } = await run(
    ['B: * OK [CAPABILITY IMAP4rev1 SASL-IR] x', `P: L AUTHENTICATE PLAIN ${PLAIN}`, 'B: L OK in'],
    MASTER,
  )
  await result
  assert.equal(peer.writes.length, 1)
})

test('without SASL-IR the response waits for the challenge, whatever text that has', async () => {
  for (const challenge of ['+ ', '+', '+ go ahead']) {
    const { result, io } = await run(
      [
        'B: * OK [CAPABILITY IMAP4rev1 ID] x',
        `P: ${ID}`,
        'P: L AUTHENTICATE PLAIN',
        'B: I OK',
        `B: ${challenge}`,
        `P: ${PLAIN}`,
        'B: L OK in',
      ],
      MASTER,
    )
    await result
    assert.deepEqual(io.done.steps.slice(2), [
      'id+authenticate/banner',
      'authenticate/id',
      'auth-continue/auth-continue',
      '/login',
    ])
  }
})

test('mechanism LOGIN sends an empty initial response, then user and password', async () => {
  const { result } = await run(
    [
      'B: * OK [CAPABILITY IMAP4rev1 SASL-IR] x',
      'P: L AUTHENTICATE LOGIN =',
      'B: + VXNlcm5hbWU6',
      'P: dDE=',
      'B: + UGFzc3dvcmQ6',
      'P: c2VjcmV0',
      'B: L NO [LIMIT] x',
    ],
    { mechanism: 'login' },
  )
  await assert.rejects(result, { class: 'auth', message: '[LIMIT] x' })
})

test('EXTERNAL needs no password', async () => {
  const { result } = await run(
    ['B: * OK [CAPABILITY IMAP4rev1 SASL-IR] x', 'P: L AUTHENTICATE EXTERNAL dDE=', 'B: L OK in'],
    { mechanism: 'EXTERNAL', secret: undefined },
  )
  await result
})

const TOKENS: readonly (readonly [mechanism: string, initial: string, answer: string])[] = [
  ['XOAUTH2', 'user=t1\x01auth=Bearer tok\x01\x01', ''],
  ['OAUTHBEARER', 'n,a=t1,\x01auth=Bearer tok\x01\x01', 'AQ=='],
]

test('a token that the backend refuses is an authentication failure with its explanation', async () => {
  for (const [mechanism, initial, answer] of TOKENS) {
    const conversation = await run(
      [
        'B: * OK [CAPABILITY IMAP4rev1 SASL-IR] x',
        `P: L AUTHENTICATE ${mechanism} ${Buffer.from(initial).toString('base64')}`,
        `B: + ${Buffer.from('{"status":"invalid_token"}').toString('base64')}`,
        `P: ${answer}`,
        'B: L NO [AUTHENTICATIONFAILED] bad token',
      ],
      { mechanism, secret: new Secret('tok') },
    )
    const failure = await failureOf(conversation)
    assert.equal(failure.class, 'auth')
    assert.equal(failure.reply?.oauthDetail?.toString(), '{"status":"invalid_token"}')
  }
})

test('a password that needs a literal waits for the backend where it must', async () => {
  const password = { secret: new Secret(Buffer.from('p\xe9', 'latin1')) }
  const waits = await run(
    ['B: * OK [CAPABILITY IMAP4rev1] x', 'P: L LOGIN "t1" {2}', 'B: + OK', 'P: p\xe9', 'B: L OK in'],
    password,
  )
  await waits.result
  assert.deepEqual(waits.peer.writes, ['L LOGIN "t1" {2}\r\n', 'p\xe9\r\n'])
  const plus = await run(
    ['B: * OK [CAPABILITY IMAP4rev1 LITERAL+] x', 'P: L LOGIN "t1" {2+}', 'P: p\xe9', 'B: L OK'],
    password,
  )
  await plus.result
  assert.equal(plus.peer.writes.length, 1)
})

test('a backend that refuses the literal has refused the login', async () => {
  const conversation = await run(['B: * OK [CAPABILITY IMAP4rev1] x', 'P: L LOGIN "t1" {1}', 'B: L BAD no literals'], {
    secret: new Secret(Buffer.from([0xe9])),
  })
  assert.equal((await failureOf(conversation)).class, 'auth')
})

test('untagged lines go to the client, except those about the backend itself', async () => {
  const { result, io } = await run([
    'B: * OK [CAPABILITY IMAP4rev1 LITERAL+] x',
    `P: ${LOGIN}`,
    'B: * OK hello',
    'B: * ID ("name" "fake")',
    'B: * BYE not really',
    'B: * capability X Y',
    'B: * FOO bar',
    'B: zzz \x1b[31m',
    'B: + what for',
    'B: I OK nobody asked',
    'B: L OK [OTHER x] Logged in',
  ])
  assert.deepEqual(await result, {
    untagged: ['* OK hello', '* FOO bar', '* CAPABILITY X Y'],
    lines: ['OK [OTHER x] Logged in'],
  })
  assert.deepEqual(io.done.warnings, [
    'Unexpected input, ignoring: zzz ?[31m',
    'Unexpected input, ignoring: + what for',
    'Unexpected input, ignoring: I OK nobody asked',
  ])
})

test('what the backend sends behind its OK stays unread for the relay', async () => {
  const { peer, result, io } = await run(['B: * OK x', 'P: C CAPABILITY', `P: ${LOGIN}`])
  peer.send('C OK\r\nL OK in\r\n* 1 EXISTS\r\n')
  await result
  assert.equal(io.stream.takeBuffered().toString(), '* 1 EXISTS\r\n')
})

const FAILURES: readonly (readonly [
  why: string,
  script: readonly string[],
  target: Partial<ProxyTarget>,
  failureClass: ProxyFailureClass,
  message: string,
])[] = [
  ['BYE for a banner', ['B: * BYE busy'], {}, 'protocol', 'Invalid banner: * BYE busy'],
  ['PREAUTH', ['B: * PREAUTH hi'], {}, 'protocol', 'Invalid banner: * PREAUTH hi'],
  ['another protocol', ['B: +OK POP3'], {}, 'protocol', 'Invalid banner: +OK POP3'],
  ['a banner without a text', ['B: * OK'], {}, 'protocol', 'Invalid banner: * OK'],
  ['bytes', ['B: \0\xff\x01 garbage'], {}, 'protocol', 'Invalid banner: ??? garbage'],
  [
    'LOGIN is disabled',
    ['B: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x'],
    {},
    'remote-config',
    'LOGINDISABLED advertised, but SSL/TLS not enabled',
  ],
  ['no STARTTLS', ['B: * OK [CAPABILITY IMAP4rev1] x'], { tls: 'starttls' }, 'remote-config', 'STARTTLS not supported'],
  [
    'STARTTLS refused',
    ['B: * OK x', 'P: S STARTTLS', 'B: S NO not today'],
    { tls: 'starttls' },
    'remote',
    'STARTTLS failed: not today',
  ],
  [
    'a challenge that PLAIN cannot answer',
    ['B: * OK [CAPABILITY SASL-IR] x', `P: L AUTHENTICATE PLAIN ${PLAIN}`, 'B: + !!'],
    MASTER,
    'protocol',
    'Invalid base64 data in AUTHENTICATE response',
  ],
  ['an unknown mechanism', ['B: * OK x'], { mechanism: 'FOO' }, 'internal', 'Unsupported SASL mechanism FOO'],
  ['no password', ['B: * OK x'], { secret: undefined }, 'internal', 'password not given'],
  ['no password for a master', ['B: * OK x'], { master: 'm', secret: undefined }, 'internal', 'password not given'],
  [
    '[UNAVAILABLE]',
    ['B: * OK x', 'P: C CAPABILITY', `P: ${LOGIN}`, 'B: L NO [UNAVAILABLE] x'],
    {},
    'auth-temp',
    '[UNAVAILABLE] x',
  ],
  ['BAD', ['B: * OK x', 'P: C CAPABILITY', `P: ${LOGIN}`, 'B: L BAD x'], {}, 'auth', 'BAD x'],
]

test('every way to fail has its class and its line for the log', async () => {
  for (const [why, script, target, failureClass, message] of FAILURES) {
    const failure = await failureOf(await run(script, target))
    assert.equal(failure.class, failureClass, why)
    assert.equal(failure.message, message, why)
  }
})

test('EXTERNAL and AUTHENTICATE do not mind LOGINDISABLED', async () => {
  const { result } = await run(
    ['B: * OK [CAPABILITY IMAP4rev1 SASL-IR LOGINDISABLED] x', `P: L AUTHENTICATE PLAIN ${PLAIN}`, 'B: L OK in'],
    MASTER,
  )
  await result
})
