import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  type LoginOptions,
  type Peer,
  play,
  streamAndPeer,
  type TestLoginIo,
  testLoginIo,
} from '../../../test/support/protocol-session.ts'
import type { LoginEnd, LoginVerdict } from '../protocol.ts'
import { login } from './login.ts'

interface Session {
  readonly io: TestLoginIo
  readonly peer: Peer
  readonly end: Promise<LoginEnd>
  readonly greeting: string
}

async function start(options: LoginOptions = {}): Promise<Session> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = login(io)
  return { io, peer, end, greeting: (await peer.line()) ?? '' }
}

const FAILED = '-ERR [AUTH] Authentication failed.'

test('USER and PASS are PLAIN: blanks and bytes of the password are kept', async () => {
  const { io, peer } = await start()
  await play(peer, ['C: user joe', 'S: +OK', 'C: PASS  two \xff=blanks ', `S: ${FAILED}`])
  const [attempt] = io.done.attempts
  assert.equal(attempt?.mechanism, 'PLAIN')
  assert.equal(attempt.initial?.reveal().toString('latin1'), '\0joe\0 two \xff=blanks ')
  await assert.rejects(attempt.challenge(Buffer.alloc(0)), /no challenges/)
})

test('a NUL in a name or a password cannot make another login of it', async () => {
  const { io, peer } = await start()
  await play(peer, ['C: USER joe\0jane', 'S: +OK', 'C: PASS x\0y', `S: ${FAILED}`])
  // Five parts where PLAIN has three: the auth service refuses it.
  assert.equal(io.done.attempts[0]?.initial?.reveal().toString(), '\0joe\0jane\0x\0y')
})

test('a name serves one PASS, the later of two counts, and TLS makes it forgotten', async () => {
  const { io, peer } = await start()
  await play(peer, [
    'C: USER joe',
    'S: +OK',
    'C: USER jane',
    'S: +OK',
    'C: PASS x',
    `S: ${FAILED}`,
    'C: PASS x',
    'S: -ERR No username given.',
    'C: USER joe',
    'S: +OK',
    'C: STLS',
    'S: +OK Begin TLS negotiation now.',
    'C: PASS x',
    'S: -ERR No username given.',
  ])
  assert.equal(io.done.attempts.length, 1)
  assert.equal(io.done.attempts[0]?.initial?.reveal().toString(), '\0jane\0x')
})

test('where others could hear a password USER is refused already, by whoever writes the log', async () => {
  const attempt = (): LoginVerdict => ({ kind: 'refused', why: { kind: 'plaintext-disabled' } })
  const disallowed = '-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.'
  for (const settings of [
    { disable_plaintext_auth: true },
    { ssl: 'required', disable_plaintext_auth: false },
  ] as const) {
    const { io, peer } = await start({ secured: false, settings, attempt })
    await play(peer, ['C: USER joe', `S: ${disallowed}`, 'C: PASS heard', `S: ${disallowed}`])
    assert.deepEqual(
      io.done.attempts.map(({ initial }) => initial?.reveal().toString()),
      ['\0joe\0', '\0\0'],
    )
    assert.deepEqual(new Set(io.done.remarks), new Set(['tried to use disallowed plaintext auth']))
  }
})

test('APOP brings the greeting, the name and the digest to the auth service', async () => {
  const { io, peer, greeting } = await start({ settings: { auth_mechanisms: ['plain', 'apop'] } })
  const stamp = /^\+OK Dovecot ready\. (<[0-9a-f]+\.[0-9a-f]+\.[A-Za-z0-9+/=]+@mail\.example\.org>)$/.exec(
    greeting,
  )?.[1]
  assert.ok(stamp !== undefined, greeting)
  const digest = createHash('md5').update(`${stamp}secret`).digest('hex').toUpperCase()
  await play(peer, [`C: APOP joe ${digest}`, `S: ${FAILED}`])
  const [attempt] = io.done.attempts
  assert.equal(attempt?.mechanism, 'APOP')
  assert.equal(attempt.ownCommand, true)
  assert.equal(
    attempt.initial?.reveal().toString('latin1'),
    `${stamp}\0joe\0${Buffer.from(digest, 'hex').toString('latin1')}`,
  )
})

test('APOP is no mechanism of AUTH: who chooses the challenge could use what others answered', async () => {
  const attempt = (): LoginVerdict => ({ kind: 'refused', why: { kind: 'unsupported-mechanism' } })
  const { io, peer } = await start({ settings: { auth_mechanisms: ['plain', 'apop'] }, attempt })
  await play(peer, ['C: AUTH APOP AAAA', 'S: -ERR [AUTH] Unsupported authentication mechanism.'])
  assert.equal(io.done.attempts[0]?.ownCommand, undefined)
})

const APOP_ARGUMENTS: readonly (readonly [args: string, why: string])[] = [
  ['', 'nothing'],
  ['joe', 'no digest'],
  [`joe ${'0'.repeat(31)}`, 'a short one'],
  [`joe ${'0'.repeat(33)}`, 'a long one'],
  [`joe ${'g'.repeat(32)}`, 'no digits'],
  [`joe  ${'0'.repeat(32)}`, 'two blanks'],
  [`joe ${'0'.repeat(32)} x`, 'something more'],
]

test('APOP wants a name and a digest', async () => {
  for (const [args, why] of APOP_ARGUMENTS) {
    const { io, peer } = await start({ settings: { auth_mechanisms: ['apop'] } })
    await play(peer, [`C: APOP ${args}`, 'S: -ERR Invalid parameters.'])
    assert.deepEqual(io.done.attempts, [], why)
  }
})

test('a trusted proxy says who its client is; a stranger says nothing', async () => {
  const trusted = await start({ trusted: true })
  assert.equal(trusted.greeting, '+OK [XCLIENT] Dovecot ready.')
  await play(trusted.peer, [
    'C: XCLIENT ADDR=10.1.2.3 PORT=77 SESSION=abc TTL=3 FORWARD=YT1i',
    'S: +OK Updated',
    'C: XCLIENT ADDR=x PORT=1',
    'S: -ERR Invalid parameters',
    'C: XOIP ::1',
    'S: +OK Updated',
  ])
  assert.deepEqual(trusted.io.done.forwarded, [
    { remoteIp: '10.1.2.3', remotePort: 77, session: 'abc', ttl: 3, forward: new Map([['a', 'b']]) },
    { remoteIp: '::1' },
  ])
  const stranger = await start()
  await play(stranger.peer, ['C: XCLIENT ADDR=10.1.2.3', 'S: +OK You are not from trusted IP - ignoring'])
  assert.deepEqual(stranger.io.done.forwarded, [])
})

test('XCLIENT of ten kilobytes is read, one without end is not', async () => {
  const { io, peer, end } = await start({ trusted: true })
  const forward = Buffer.from(`a=${'x'.repeat(8192)}`).toString('base64')
  await play(peer, [`C: XCLIENT FORWARD=${forward}`, 'S: +OK Updated'])
  assert.equal(io.done.forwarded[0]?.forward?.get('a')?.length, 8192)
  peer.send(`XCLIENT FORWARD=${'A'.repeat(20_000)}`)
  await play(peer, ['S: -ERR Input buffer full, aborting'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Input buffer full' })
})

test('after three bad commands in a row whatever comes is one too many', async () => {
  const { peer, end } = await start()
  await play(peer, [
    'C: FOO',
    'S: -ERR Unknown command.',
    'C: ',
    'S: -ERR Unknown command.',
    'C: QUITT',
    'S: -ERR Unknown command.',
    'C: QUIT',
    'S: -ERR Too many invalid bad commands.',
  ])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Disconnected: Too many bad commands' })
})

test('a user with too many connections is sent away', async () => {
  const attempt = (): LoginVerdict => ({ kind: 'refused', why: { kind: 'too-many-connections', text: 'Too many' } })
  const { peer, end } = await start({ attempt })
  await play(peer, ['C: USER joe', 'S: +OK', 'C: PASS x', 'S: -ERR [IN-USE] Too many'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Too many connections' })
})
