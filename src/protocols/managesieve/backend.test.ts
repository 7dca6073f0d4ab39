import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Peer,
  play,
  streamAndPeer,
  type TestBackendIo,
  testBackendIo,
  testTarget,
} from '../../../test/support/protocol-session.ts'
import { Secret } from '../../util/secret.ts'
import type { BackendWelcome, ProxyTarget } from '../protocol.ts'
import type { ProxyFailure } from '../proxy-failure.ts'
import { backend } from './backend.ts'

function connect(target: Partial<ProxyTarget> = {}): {
  io: TestBackendIo
  peer: Peer
  result: Promise<BackendWelcome>
} {
  const { stream, peer } = streamAndPeer()
  const io = testBackendIo(stream)
  const result = backend(io, testTarget(target))
  result.catch(() => {})
  return { io, peer, result }
}

const XCLIENT = 'P: XCLIENT ADDR=127.0.77.1 PORT=45311 SESSION=zCeS6dBg/7B/AE0B TTL=4'
const READY = ['B: "SASL" "PLAIN"', 'B: OK']
const AUTH = 'P: AUTHENTICATE "PLAIN" "dDEAdDEAc2VjcmV0"'

test('XCLIENT is answered before the login goes out', async () => {
  const { io, peer, result } = connect()
  await play(peer, [
    'B: "IMPLEMENTATION" "x"',
    'B: "XCLIENT"',
    ...READY,
    XCLIENT,
    'B: OK "Updated"',
    AUTH,
    'B: OK "in"',
  ])
  assert.deepEqual(await result, { untagged: [], lines: ['OK "in"'] })
  assert.deepEqual(io.done.steps, ['none', 'xclient', 'auth'])
})

test('texts of replies may be literals', async () => {
  const welcomed = connect()
  await play(welcomed.peer, [
    'B: "XCLIENT"',
    'B: "SASL" "PLAIN"',
    'B: OK {5}',
    'B: hello',
    XCLIENT,
    'B: OK (WARNINGS) {2+}',
    'B: ok',
    AUTH,
    'B: OK (SASL {4}',
    'B: YQ==) "in {3}"',
  ])
  assert.deepEqual((await welcomed.result).lines, ['OK (SASL "YQ==") "in {3}"'])
  const later = connect()
  await play(later.peer, [...READY, AUTH, 'B: NO (TRYLATER) {11}', 'B: one', 'B: "two"'])
  const [line] = await later.result.then(
    () => [],
    (error: ProxyFailure) => error.reply?.lines ?? [],
  )
  assert.equal(line, 'NO (TRYLATER) "one  \\"two\\" "')
})

test('behind STARTTLS the capabilities are read anew and who the client is goes inside TLS only', async () => {
  const { io, peer, result } = connect({ tls: 'starttls', master: 'adm' })
  await play(peer, [
    'B: "SASL" ""',
    'B: "XCLIENT"',
    'B: "STARTTLS"',
    'B: OK',
    'P: STARTTLS',
    'B: OK "go"',
    'B: "XCLIENT"',
    ...READY,
    XCLIENT,
    'B: OK',
    'P: AUTHENTICATE "PLAIN" "dDEAYWRtAHNlY3JldA=="',
    'B: OK',
  ])
  await result
  assert.deepEqual(io.done.steps, ['none', 'tls-start', 'tls-ready', 'xclient', 'auth'])
})

test('proxy_not_trusted keeps who the client is here', async () => {
  const { peer, result } = connect({ notTrusted: true })
  await play(peer, ['B: "XCLIENT"', ...READY, AUTH, 'B: OK'])
  await result
})

test('a mechanism of several steps answers each challenge, quoted or not, with a string', async () => {
  const { peer, result } = connect({ mechanism: 'LOGIN', secret: new Secret('x'.repeat(900)) })
  await play(peer, [
    ...READY,
    'P: AUTHENTICATE "LOGIN"',
    'B: "VXNlcm5hbWU6"',
    'P: "dDE="',
    'B: {12}',
    'B: UGFzc3dvcmQ6',
  ])
  await play(peer, ['P: {1200+}', `P: ${Buffer.from('x'.repeat(900)).toString('base64')}`, 'B: OK "in"'])
  await result
})

test('capabilities in any case and form are understood', async () => {
  const { peer, result } = connect()
  await play(peer, [
    'B: "Implementation" {5}',
    'B: a\r\nbc',
    'B: "sasl" "PLAIN"',
    'B: "LANGUAGE"',
    'B: "xclient"',
    'B: ok (TAG "x") "ready"',
    XCLIENT,
    'B: OK',
    AUTH,
    'B: OK',
  ])
  await result
})

const FAILURES: readonly (readonly [
  target: Partial<ProxyTarget>,
  script: readonly string[],
  failure: object,
  step: string,
])[] = [
  [
    {},
    ['B: BYE "go"'],
    { class: 'protocol', message: 'Remote sent unexpected NO/BYE instead of capability response' },
    'none',
  ],
  [{}, ['B: +OK POP3'], { class: 'protocol', message: 'Remote sent invalid response: +OK POP3' }, 'none'],
  [{}, ['B: "SASL" "PLAIN'], { class: 'protocol', message: 'Remote sent invalid response: "SASL" "PLAIN' }, 'none'],
  [{}, ['B: "A" {99999999}'], { class: 'protocol', message: 'Too long string' }, 'none'],
  [
    {},
    Array.from({ length: 100 }, () => 'B: "A" "b"'),
    { class: 'protocol', message: 'Too many capability lines' },
    'none',
  ],
  [
    {},
    ['B: "SASL" ""', 'B: OK'],
    { class: 'remote-config', message: 'Server has disabled authentication (TLS required?)' },
    'none',
  ],
  [{}, ['B: OK'], { class: 'remote-config', message: 'Server has disabled authentication (TLS required?)' }, 'none'],
  [{ tls: 'starttls' }, READY, { class: 'remote-config', message: "Remote doesn't support STARTTLS" }, 'none'],
  [
    { tls: 'starttls' },
    ['B: "STARTTLS"', 'B: OK', 'P: STARTTLS', 'B: NO "no"'],
    { class: 'remote', message: 'Remote refused STARTTLS command' },
    'tls-start',
  ],
  [
    {},
    ['B: "XCLIENT"', ...READY, XCLIENT, 'B: NO "nope"'],
    { class: 'remote', message: 'Remote XCLIENT failed: NO "nope"' },
    'xclient',
  ],
  [
    {},
    ['B: "XCLIENT"', ...READY, XCLIENT, 'B: hello'],
    { class: 'protocol', message: 'Unexpected reply: hello' },
    'xclient',
  ],
  [
    {},
    [...READY, AUTH, 'B: NO (TRYLATER) "later"'],
    { class: 'auth-temp', message: 'later', reply: { lines: ['NO (TRYLATER) "later"'] } },
    'auth',
  ],
  [{}, [...READY, AUTH, 'B: BYE (TRYLATER) "later"'], { class: 'auth', message: 'later' }, 'auth'],
  [{}, [...READY, AUTH, 'B: NO (QUOTA) "full\0"'], { class: 'auth', reply: { lines: ['NO (QUOTA) "full "'] } }, 'auth'],
  [{}, [...READY, AUTH, 'B: hello'], { class: 'auth', message: 'hello' }, 'auth'],
  [{}, [...READY, AUTH, 'B: "'], { class: 'auth', message: '"' }, 'auth'],
  [
    {},
    [...READY, AUTH, 'B: "!!!"'],
    { class: 'protocol', message: 'Server sent invalid base64 data in AUTHENTICATE response' },
    'auth',
  ],
  [
    {},
    [...READY, AUTH, 'B: ""'],
    { class: 'protocol', message: "Server sent invalid authentication data: Server didn't finish authentication" },
    'auth',
  ],
  [
    { mechanism: 'XOAUTH2' },
    [
      ...READY,
      'P: AUTHENTICATE "XOAUTH2" "dXNlcj10MQFhdXRoPUJlYXJlciBzZWNyZXQBAQ=="',
      'B: "e30="',
      'P: ""',
      'B: NO "old"',
    ],
    { class: 'auth', reply: { lines: ['NO "old"'], oauthDetail: Buffer.from('{}') } },
    'auth',
  ],
]

test('every failure has its class, its words and its step', async () => {
  for (const [target, script, failure, step] of FAILURES) {
    const { io, peer, result } = connect(target)
    await play(peer, script)
    await assert.rejects(result, failure, script.join(' '))
    assert.equal(io.step, step, script.join(' '))
  }
})
