import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type LoginOptions,
  play,
  type Peer,
  streamAndPeer,
  type TestLoginIo,
  testLoginIo,
} from '../../../test/support/protocol-session.ts'
import { DeadlineExceeded } from '../../net/byte-stream.ts'
import { InvalidBase64, SaslAborted } from '../../sasl/mechanism.ts'
import type { Credentials, LoginEnd, LoginVerdict } from '../protocol.ts'
import { login } from './login.ts'

const FAILED = 'NO [AUTHENTICATIONFAILED] Authentication failed.'

interface Session {
  readonly io: TestLoginIo
  readonly peer: Peer
  readonly end: Promise<LoginEnd>
}

async function start(options: LoginOptions): Promise<Session> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = login(io)
  await peer.line()
  return { io, peer, end }
}

/** An auth service that asks questions and turns the client's faults into refusals, as the real one does. */
function asking(...questions: readonly string[]): NonNullable<LoginOptions['attempt']> {
  return async (credentials) => {
    try {
      for (const question of questions) await credentials.challenge(Buffer.from(question))
      return { kind: 'refused', why: { kind: 'failed' } }
    } catch (error) {
      if (error instanceof InvalidBase64) return { kind: 'refused', why: { kind: 'invalid-base64', initial: false } }
      assert.ok(error instanceof SaslAborted)
      return { kind: 'refused', why: { kind: 'aborted' } }
    }
  }
}

test('a mechanism of several steps is carried out', async () => {
  const answers: string[] = []
  const attempt = async (credentials: Credentials): Promise<LoginVerdict> => {
    for (const question of ['Username:', 'Password:']) {
      answers.push((await credentials.challenge(Buffer.from(question))).toString())
    }
    await credentials.finish(Buffer.from('v=x'))
    return { kind: 'refused', why: { kind: 'failed' } }
  }
  const { peer, io } = await start({ attempt })
  await play(peer, [
    'C: a AUTHENTICATE LOGIN',
    'S: + VXNlcm5hbWU6',
    'C: am9l',
    'S: + UGFzc3dvcmQ6',
    'C: ',
    'S: + dj14',
    'C: ',
    `S: a ${FAILED}`,
    'C: b NOOP',
    'S: b OK NOOP completed.',
  ])
  assert.deepEqual(answers, ['joe', ''])
  assert.deepEqual(io.done.attempts[0]?.initial, undefined)
})

test('an empty initial response is told from none', async () => {
  const { peer, io } = await start({})
  await play(peer, ['C: a AUTHENTICATE PLAIN =', `S: a ${FAILED}`, 'C: b AUTHENTICATE PLAIN ', `S: b ${FAILED}`])
  assert.equal(io.done.attempts[0]?.initial?.reveal().length, 0)
  assert.equal(io.done.attempts[1]?.initial, undefined)
})

const ANSWERS: readonly (readonly [answer: string, reply: string, remark: string])[] = [
  ['*', 'BAD Authentication aborted by client.', 'aborted authentication'],
  ['!!!', 'NO [ALERT] Invalid base64 in response', 'sent invalid base64 in response'],
  ['* ', 'NO [ALERT] Invalid base64 in response', 'sent invalid base64 in response'],
  ['=', 'BAD Invalid base64 data in continued response', 'sent invalid base64 in response'],
]

test('a client that does not answer properly is told so and may go on', async () => {
  for (const [answer, reply, remark] of ANSWERS) {
    const { peer, io } = await start({ attempt: asking('') })
    await play(peer, [
      'C: a AUTHENTICATE PLAIN',
      'S: + ',
      `C: ${answer}`,
      `S: a ${reply}`,
      'C: b NOOP',
      'S: b OK NOOP completed.',
    ])
    assert.deepEqual(io.done.remarks, [remark])
  }
})

test('an unknown mechanism is refused as such, whatever response came with it', async () => {
  const attempt = (): LoginVerdict => ({ kind: 'refused', why: { kind: 'unsupported-mechanism' } })
  const { peer } = await start({ attempt })
  const reply = 'NO [ALERT] Unsupported authentication mechanism.'
  await play(peer, ['C: a AUTHENTICATE FOO !', `S: a ${reply}`, 'C: b AUTHENTICATE "PLAIN"', `S: b ${reply}`])
})

test('a response over 8 KiB closes the connection without a word', async () => {
  const initial = await start({})
  initial.peer.send(`a AUTHENTICATE PLAIN ${'A'.repeat(8192)}\r\n`)
  assert.deepEqual(await initial.end, { kind: 'closed', reason: 'Authentication response too large' })
  const later = await start({ attempt: asking('') })
  later.peer.send(`a AUTHENTICATE PLAIN\r\n${'A'.repeat(8192)}\r\n`)
  assert.deepEqual(await later.end, { kind: 'closed', reason: 'Authentication response too large' })
  assert.deepEqual(later.peer.writes.slice(1), ['+ \r\n'])
})

test('a response just under 8 KiB is taken', async () => {
  const { peer, io } = await start({})
  const token = 'A'.repeat(8188)
  await play(peer, [`C: a AUTHENTICATE XOAUTH2 ${token}`, `S: a ${FAILED}`])
  assert.equal(io.done.attempts[0]?.initial?.reveal().length, 6141)
})

test('a client that leaves during an exchange did not finish', async () => {
  const { peer, io, end } = await start({ attempt: asking('') })
  await play(peer, ['C: a AUTHENTICATE PLAIN', 'S: + '])
  peer.end()
  assert.deepEqual(await end, { kind: 'closed', reason: 'Connection closed' })
  assert.deepEqual(io.done.remarks, ["client didn't finish SASL auth"])
})

test('a deadline during an exchange is for the caller', async () => {
  const { peer, io, end } = await start({ attempt: asking('') })
  await play(peer, ['C: a AUTHENTICATE PLAIN', 'S: + '])
  io.stream.setDeadline(5)
  await assert.rejects(end, DeadlineExceeded)
})

test('a client with a token learns why the backend refused it', async () => {
  const oauthDetail = Buffer.from('{"status":"invalid_token"}')
  const reply = { lines: ['NO [AUTHENTICATIONFAILED] Bad token'], oauthDetail }
  const attempt = (): LoginVerdict => ({ kind: 'backend-refused', temporary: false, reply })
  for (const [mechanism, answer] of [
    ['XOAUTH2', ''],
    ['oauthbearer', 'AQ=='],
    ['XOAUTH2', '*'],
  ]) {
    const { peer } = await start({ attempt })
    await play(peer, [
      `C: a AUTHENTICATE ${mechanism} dXNlcj1qb2U=`,
      `S: + ${oauthDetail.toString('base64')}`,
      `C: ${answer}`,
      `S: a ${FAILED}`,
    ])
  }
  const { peer } = await start({ attempt })
  await play(peer, ['C: a AUTHENTICATE PLAIN AGpvZQB4', `S: a ${FAILED}`])
})
