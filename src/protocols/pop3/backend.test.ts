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

const XCLIENT = 'XCLIENT ADDR=127.0.77.1 PORT=45311 SESSION=zCeS6dBg/7B/AE0B TTL=4'

test('XCLIENT and USER leave in one write', async () => {
  const { io, peer, result } = connect()
  await play(peer, [
    'B: +OK [XCLIENT] ready',
    `P: ${XCLIENT}`,
    'P: USER t1',
    'B: +OK Updated',
    'B: +OK',
    'P: PASS secret',
    'B: +OK in',
  ])
  assert.deepEqual(await result, { untagged: [], lines: ['+OK in'] })
  assert.deepEqual(peer.writes, [`${XCLIENT}\r\nUSER t1\r\n`, 'PASS secret\r\n'])
  assert.deepEqual(io.done.steps, ['banner', 'xclient', 'login1', 'login2'])
})

test('behind STLS who the client is goes inside TLS only', async () => {
  const { io, peer, result } = connect({ tls: 'starttls', master: 'adm' })
  await play(peer, [
    'B: +OK [XCLIENT] ready',
    'P: STLS',
    'B: +OK',
    `P: ${XCLIENT}`,
    'P: AUTH PLAIN dDEAYWRtAHNlY3JldA==',
    'B: +OK Updated',
    'B: +OK in',
  ])
  await result
  assert.equal(peer.writes[0], 'STLS\r\n')
  assert.deepEqual(io.done.steps, ['banner', 'starttls', 'xclient', 'xclient', 'login2'])
})

test('proxy_not_trusted keeps who the client is here', async () => {
  const { peer, result } = connect({ notTrusted: true })
  await play(peer, ['B: +OK [XCLIENT] ready', 'P: USER t1', 'B: +OK', 'P: PASS secret', 'B: +OK in'])
  await result
})

test('a mechanism of several steps answers each challenge', async () => {
  const { peer, result } = connect({ mechanism: 'login' })
  await play(peer, [
    'B: +OK ready',
    'P: AUTH LOGIN =',
    'B: + VXNlcm5hbWU6',
    'P: dDE=',
    'B: + UGFzc3dvcmQ6',
    'P: c2VjcmV0',
    'B: +OK in',
  ])
  await result
})

test('names and passwords travel as bytes', async () => {
  const { peer, result } = connect({ destuser: 'jöe', secret: new Secret(Buffer.from('p\xe4\x01', 'latin1')) })
  await play(peer, ['B: +OK ready', 'P: USER j\xc3\xb6e', 'B: +OK', 'P: PASS p\xe4\x01', 'B: +OK in'])
  await result
})

test('what would break out of its line is not sent at all', async () => {
  for (const bad of ['a\r\nDELE 1', 'a\nDELE 1', 'a\0']) {
    for (const target of [{ destuser: bad }, { secret: new Secret(bad) }]) {
      const { peer, result } = connect(target)
      peer.send('+OK [XCLIENT] ready\r\n')
      await assert.rejects(result, { class: 'internal' }, JSON.stringify(bad))
      assert.deepEqual(peer.writes, [])
    }
  }
})

const FAILURES: readonly (readonly [
  target: Partial<ProxyTarget>,
  script: readonly string[],
  failure: object,
  step: string,
])[] = [
  [{}, ['B: -ERR busy'], { class: 'protocol', message: 'Invalid banner: -ERR busy' }, 'banner'],
  [{}, ['B: * OK IMAP'], { class: 'protocol', message: 'Invalid banner: * OK IMAP' }, 'banner'],
  [{}, ['B: -ERR \x1b[31mred'], { class: 'protocol', message: 'Invalid banner: -ERR ?[31mred' }, 'banner'],
  [
    { tls: 'starttls' },
    ['B: +OK', 'P: STLS', 'B: -ERR no'],
    { class: 'remote', message: 'STLS failed: -ERR no' },
    'starttls',
  ],
  [
    {},
    ['B: +OK [XCLIENT]', `P: ${XCLIENT}`, 'P: USER t1', 'B: -ERR nope'],
    { class: 'remote', message: 'XCLIENT failed: -ERR nope' },
    'xclient',
  ],
  [
    {},
    ['B: +OK', 'P: USER t1', 'B: -ERR [SYS/TEMP] later'],
    { class: 'auth-temp', message: '[SYS/TEMP] later', reply: { lines: ['-ERR [SYS/TEMP] later'] } },
    'login1',
  ],
  [
    {},
    ['B: +OK', 'P: USER t1', 'B: +OK', 'P: PASS secret', 'B: -ERR [sys/temp] later'],
    { class: 'auth-temp', message: '[sys/temp] later' },
    'login2',
  ],
  [
    {},
    ['B: +OK', 'P: USER t1', 'B: +OK', 'P: PASS secret', 'B: -ERR [SYS/PERM] no'],
    { class: 'auth', message: '[SYS/PERM] no', reply: { lines: ['-ERR [SYS/PERM] no'] } },
    'login2',
  ],
  [
    {},
    ['B: +OK', 'P: USER t1', 'B: +OK', 'P: PASS secret', 'B: hello\0\rthere'],
    { class: 'auth', message: 'hello??there', reply: { lines: ['hello  there'] } },
    'login2',
  ],
  [
    { mechanism: 'PLAIN' },
    ['B: +OK', 'P: AUTH PLAIN dDEAdDEAc2VjcmV0', 'B: + !!!'],
    { class: 'protocol', message: 'Invalid base64 data in AUTH response' },
    'login2',
  ],
  [
    { mechanism: 'PLAIN' },
    ['B: +OK', 'P: AUTH PLAIN dDEAdDEAc2VjcmV0', 'B: +'],
    { class: 'protocol', message: "Invalid authentication data: Server didn't finish authentication" },
    'login2',
  ],
  [
    { mechanism: 'XOAUTH2' },
    [
      'B: +OK',
      'P: AUTH XOAUTH2 dXNlcj10MQFhdXRoPUJlYXJlciBzZWNyZXQBAQ==',
      'B: + e30=',
      'P: ',
      'B: -ERR [AUTH] expired',
    ],
    { class: 'auth', reply: { lines: ['-ERR [AUTH] expired'], oauthDetail: Buffer.from('{}') } },
    'login2',
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
