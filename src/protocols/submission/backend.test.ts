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
import type { BackendWelcome, ClientIdentity, ProxyTarget } from '../protocol.ts'
import { REPLY_LINES } from '../smtp/wire/reply.ts'
import { backend } from './backend.ts'

interface Connected {
  readonly io: TestBackendIo
  readonly peer: Peer
  readonly result: Promise<BackendWelcome>
}

function connect(target: Partial<ProxyTarget> = {}, identity: Partial<ClientIdentity> = {}): Connected {
  const { stream, peer } = streamAndPeer()
  const io = testBackendIo(stream, { identity })
  const result = backend(io, testTarget(target))
  result.catch(() => {})
  return { io, peer, result }
}

const EHLO = 'P: EHLO mail.example.org'
const XCLIENT = '250-XCLIENT ADDR PORT PROTO HELO LOGIN SESSION TTL TIMEOUT FORWARD'
const AUTH = 'P: AUTH PLAIN dDEAdDEAc2VjcmV0'
const BANNER = ['B: 220 backend ESMTP', EHLO]
const HELLO = [...BANNER, 'B: 250-backend', 'B: 250 AUTH PLAIN']
const AGAIN = [EHLO, 'B: 220 again', 'B: 250-backend', 'B: 250 AUTH PLAIN']

test('XCLIENT and the EHLO behind it leave in one write', async () => {
  const { io, peer, result } = connect({}, { helo: 'client.example', proto: 'ESMTP' })
  const said = 'XCLIENT HELO=client.example PROTO=ESMTP TTL=4 PORT=45311 ADDR=127.0.77.1 SESSION=zCeS6dBg/7B/AE0B'
  await play(peer, [
    ...BANNER,
    'B: 250-backend',
    `B: ${XCLIENT}`,
    'B: 250 AUTH PLAIN',
    `P: ${said}`,
    ...AGAIN,
    AUTH,
    'B: 235 2.7.0 in',
  ])
  assert.deepEqual(await result, { untagged: [], lines: ['235 2.7.0 in'] })
  assert.equal(peer.writes[1], `${said}\r\nEHLO mail.example.org\r\n`)
  assert.deepEqual(io.done.steps, ['banner', 'ehlo', 'xclient', 'xclient-ehlo', 'authenticate'])
})

const ATTRIBUTES: readonly (readonly [
  target: Partial<ProxyTarget>,
  identity: Partial<ClientIdentity>,
  offered: string,
  said: string,
  why: string,
])[] = [
  [{}, {}, 'HELO PROTO', 'HELO=[UNAVAILABLE] PROTO=ESMTP', 'a client that gave no name'],
  [{}, { helo: '', proto: 'SMTP' }, 'HELO PROTO', 'HELO=[UNAVAILABLE] PROTO=SMTP', 'or none of use'],
  [{}, { helo: 'a+b=c d\r\né' }, 'HELO', 'HELO=a+2Bb+3Dc+20d+0D+0A+C3+A9', 'xtext keeps it in its word'],
  [{}, { remote: { ip: '::1', port: 7 } }, 'ADDR', 'ADDR=::1', 'IPv6 without a prefix'],
  [{}, {}, 'port addr unknown', 'PORT=45311 ADDR=127.0.77.1', 'what is listed, in our order'],
  [{}, {}, 'LOGIN TTL', 'TTL=4', 'LOGIN with proxy_noauth only'],
  [{ noauth: true, destuser: 'a b' }, {}, 'LOGIN TTL', 'LOGIN=a+20b TTL=4', 'proxy_noauth'],
  [{ forward: new Map([['a', 'b']]) }, {}, 'FORWARD', 'FORWARD=YT1i', 'fields'],
  [{ forward: new Map([['a', null]]) }, {}, 'FORWARD', 'FORWARD=YQ+3D+3D', 'padding'],
]

test('what a backend lists it is told', async () => {
  for (const [target, identity, offered, said, why] of ATTRIBUTES) {
    const { peer, result } = connect(target, identity)
    await play(peer, [...BANNER, 'B: 250-backend', `B: 250 XCLIENT ${offered}`, `P: XCLIENT ${said}`, ...AGAIN]).catch(
      (error: unknown) => {
        throw new Error(why, { cause: error })
      },
    )
    if (target.noauth !== true) await play(peer, [AUTH, 'B: 235 in'])
    assert.deepEqual((await result).lines, [target.noauth === true ? '235 2.7.0 Logged in.' : '235 in'], why)
  }
})

test('what does not fit into a line starts another, and each is answered', async () => {
  const { peer, result } = connect({ forward: new Map([['a', 'x'.repeat(380)]]) })
  await play(peer, [...BANNER, 'B: 250-backend', `B: ${XCLIENT}`, 'B: 250 AUTH PLAIN'])
  assert.match((await peer.line()) ?? '', /^XCLIENT HELO=.* SESSION=\S+$/)
  assert.match((await peer.line()) ?? '', /^XCLIENT FORWARD=\S+$/)
  await play(peer, [EHLO, 'B: 220 one', 'B: 220 two', 'B: 250-backend', 'B: 250 AUTH PLAIN', AUTH, 'B: 235 in'])
  await result
})

test('fields that no receiver would read stay behind, with a warning', async () => {
  const { io, peer, result } = connect({
    forward: new Map([
      ['big', 'x'.repeat(2000)],
      ['a', 'b'],
    ]),
  })
  await play(peer, [
    ...BANNER,
    'B: 250-backend',
    'B: 250 XCLIENT FORWARD',
    'P: XCLIENT FORWARD=YT1i',
    ...AGAIN,
    AUTH,
    'B: 235 in',
  ])
  await result
  assert.deepEqual(io.done.warnings, ['Not forwarding field forward_big: it does not fit into XCLIENT'])
})

test('behind STARTTLS who the client is goes inside TLS only, to a backend that was asked anew', async () => {
  const { io, peer, result } = connect({ tls: 'starttls' })
  await play(peer, [
    ...BANNER,
    'B: 250-backend',
    'B: 250-XCLIENT ADDR',
    'B: 250 STARTTLS',
    'P: STARTTLS',
    'B: 220 go',
    EHLO,
    'B: 250-backend',
    'B: 250-XCLIENT PORT',
    'B: 250 AUTH PLAIN',
    'P: XCLIENT PORT=45311',
    ...AGAIN,
    AUTH,
    'B: 235 in',
  ])
  await result
  assert.deepEqual(io.done.steps, ['banner', 'ehlo', 'starttls', 'tls-ehlo', 'xclient', 'xclient-ehlo', 'authenticate'])
})

test('proxy_not_trusted keeps who the client is here', async () => {
  const { peer, result } = connect({ notTrusted: true })
  await play(peer, [...BANNER, 'B: 250-backend', `B: ${XCLIENT}`, 'B: 250 AUTH PLAIN', AUTH, 'B: 235 in'])
  await result
})

test('a long initial response waits for the challenge', async () => {
  const { peer, result } = connect({ secret: new Secret('p'.repeat(400)) })
  await play(peer, [...HELLO, 'P: AUTH PLAIN', 'B: 334 '])
  assert.equal((await peer.line())?.length, 544)
  await play(peer, ['B: 235 in'])
  await result
})

test('a welcome of several lines is passed on whole', async () => {
  const { peer, result } = connect()
  await play(peer, [...HELLO, AUTH, 'B: 235-2.7.0 Welcome', 'B: 235 2.7.0 to\0us'])
  assert.deepEqual((await result).lines, ['235-2.7.0 Welcome', '235 2.7.0 to us'])
})

const FAILURES: readonly (readonly [target: Partial<ProxyTarget>, script: readonly string[], failure: object])[] = [
  [{}, ['B: 554 go'], { class: 'protocol', message: 'Invalid banner: 554 go' }],
  [{}, ['B: * OK IMAP'], { class: 'protocol', message: 'Invalid banner: * OK IMAP' }],
  [{}, ['B: 220-a', 'B: 221 b'], { class: 'protocol', message: 'Invalid banner: 221 b' }],
  [
    {},
    Array.from({ length: REPLY_LINES }, () => 'B: 220-x'),
    { class: 'protocol', message: 'Invalid banner: too many lines in a reply' },
  ],
  [{}, [...BANNER, 'B: 502 no'], { class: 'protocol', message: 'Invalid EHLO line: 502 no' }],
  [{}, [...BANNER, 'B: 25'], { class: 'protocol', message: 'Invalid reply: 25' }],
  [{ tls: 'starttls' }, HELLO, { class: 'remote-config', message: 'STARTTLS not supported' }],
  [
    { tls: 'starttls' },
    [...BANNER, 'B: 250-x', 'B: 250 STARTTLS', 'P: STARTTLS', 'B: 454 no'],
    { class: 'remote', message: 'STARTTLS failed: 454 no' },
  ],
  [
    {},
    [...BANNER, 'B: 250-x', 'B: 250 XCLIENT TTL', 'P: XCLIENT TTL=4', EHLO, 'B: 550 5.7.0 no'],
    { class: 'remote', message: 'XCLIENT failed: 550 5.7.0 no' },
  ],
  [
    {},
    [...BANNER, 'B: 250 backend'],
    { class: 'remote-config', message: 'Authentication support not advertised (TLS required?)' },
  ],
  [
    {},
    [...HELLO, AUTH, 'B: 454 4.7.0 later'],
    { class: 'auth-temp', message: '4.7.0 later', reply: { lines: ['454 4.7.0 later'] } },
  ],
  [{}, [...HELLO, AUTH, 'B: 421 4.3.2 bye'], { class: 'auth', reply: { lines: ['421 4.3.2 bye'] } }],
  [
    {},
    [...HELLO, AUTH, 'B: 535-5.7.8 No', 'B: 535 5.7.8 and\0no'],
    { class: 'auth', message: '5.7.8 No 5.7.8 and?no', reply: { lines: ['535-5.7.8 No', '535 5.7.8 and no'] } },
  ],
  [
    {},
    [...BANNER, 'B: 250-x', 'B: 250-ENHANCEDSTATUSCODES', 'B: 250 AUTH PLAIN', AUTH, 'B: 535 5.7.8 No'],
    { class: 'auth', message: 'No', reply: { lines: ['535 5.7.8 No'] } },
  ],
  [{}, [...HELLO, AUTH, 'B: 535'], { class: 'auth', message: '', reply: { lines: ['535'] } }],
  [{}, [...HELLO, AUTH, 'B: 250 fine'], { class: 'protocol', message: 'Invalid reply: 250 fine' }],
  [{}, [...HELLO, AUTH, 'B: hello'], { class: 'protocol', message: 'Invalid reply: hello' }],
  [{}, [...HELLO, AUTH, 'B: 334 !!!'], { class: 'protocol', message: 'Invalid base64 data in AUTH response' }],
  [
    { mechanism: 'XOAUTH2' },
    [...HELLO, 'P: AUTH XOAUTH2 dXNlcj10MQFhdXRoPUJlYXJlciBzZWNyZXQBAQ==', 'B: 334 e30=', 'P: ', 'B: 535 expired'],
    { class: 'auth', reply: { lines: ['535 expired'], oauthDetail: Buffer.from('{}') } },
  ],
]

test('every failure has its class and its words', async () => {
  for (const [target, script, failure] of FAILURES) {
    const { peer, result } = connect(target)
    await play(peer, script)
    await assert.rejects(result, failure, script.join(' '))
  }
})
