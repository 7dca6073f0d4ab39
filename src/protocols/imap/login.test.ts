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
import type { LoginEnd, LoginVerdict } from '../protocol.ts'
import { login } from './login.ts'

interface Session {
  readonly io: TestLoginIo
  readonly peer: Peer
  readonly end: Promise<LoginEnd>
}

/** A session that was greeted. */
async function start(options: LoginOptions = {}): Promise<Session> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = login(io)
  assert.match((await peer.line()) ?? '', /^\* OK \[CAPABILITY /)
  return { io, peer, end }
}

async function run(script: readonly string[], options: LoginOptions = {}): Promise<Session> {
  const session = await start(options)
  await play(session.peer, script)
  return session
}

const HINT =
  "BAD First parameter in line is IMAP's command tag, not the command name. Add that before the command, like: a login user pass"
const BAD = 'BAD Error in IMAP command received by server.'
const FAILED = 'NO [AUTHENTICATIONFAILED] Authentication failed.'
const LISTED = 'OK Pre-login capabilities listed, post-login capabilities have more.'
const CAPABILITY = 'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN'

const welcome: LoginVerdict = {
  kind: 'proxied',
  welcome: { untagged: [], lines: ['OK [CAPABILITY IMAP4rev1 IDLE] Logged in'] },
}

test('the greeting has the capabilities and leaves in one write', async () => {
  const { stream, peer } = streamAndPeer()
  void login(testLoginIo(stream))
  assert.equal(await peer.line(), `* OK [CAPABILITY ${CAPABILITY}] Dovecot ready.`)
  assert.equal(peer.writes.length, 1)
})

test('malformed arguments are complained about as often as they come, and the rest of their line is skipped', async () => {
  const script = Array.from({ length: 8 }, () => ['C: a NOOP "x', "S: a BAD Missing '\"'"]).flat()
  await run([...script, 'C: b NOOP', 'S: b OK NOOP completed.'])
})

test('LOGOUT ends the conversation', async () => {
  const { peer, end } = await run(['C: a LOGOUT x', 'S: * BYE Logging out', 'S: a OK Logout completed.'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Aborted login by logging out' })
  assert.equal(peer.writes.length, 2, 'the greeting, and both lines together')
})

test('the third command that makes no sense is the last, whatever comes in between', async () => {
  const { io, end } = await run([
    'C: a FOO',
    `S: a ${BAD}`,
    'C: LOGIN joe x',
    `S: LOGIN ${HINT}`,
    'C: b NOOP',
    'S: b OK NOOP completed.',
    'C: c LOGIN joe',
    `S: c ${BAD}`,
    'C: * NOOP',
    'S: * BYE Too many invalid IMAP commands.',
  ])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Too many invalid commands' })
  assert.deepEqual(io.done.remarks, ['too many invalid commands'])
})

test('a client that leaves is just gone', async () => {
  for (const parting of ['', 'a LOG', 'a LOGIN {10}\r\njoe', 'a LOGIN {3}\r\njoe']) {
    const { peer, end } = await start()
    peer.send(parting)
    peer.end()
    assert.deepEqual(await end, { kind: 'closed', reason: 'Connection closed' }, JSON.stringify(parting))
  }
})

test('a deadline is for the caller to say goodbye about', async () => {
  const { io, end } = await start()
  io.stream.setDeadline(5)
  await assert.rejects(end, DeadlineExceeded)
})

test('LOGIN asks for PLAIN, byte for byte', async () => {
  const { io } = await run(['C: a LOGIN "j\xc3\xa9\\"e" {3+}', 'C: \xff\x01a', `S: a ${FAILED}`])
  const [credentials] = io.done.attempts
  assert.equal(credentials?.mechanism, 'PLAIN')
  assert.equal(credentials?.initial?.reveal().toString('latin1'), '\0j\xc3\xa9"e\0\xff\x01a')
})

test('a proxied client gets the lines of the backend with its own tag, in one write, and its later commands stay unread', async () => {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, {
    attempt: () => ({ kind: 'proxied', welcome: { untagged: ['* FOO', '* BAR'], lines: ['OK [CAPABILITY X] hi'] } }),
  })
  const end = login(io)
  peer.send('a LOGIN joe pass\r\nb SELECT INBOX\r\nc NO')
  assert.deepEqual(await end, { kind: 'proxied' })
  await peer.line()
  await play(peer, ['S: * FOO', 'S: * BAR', 'S: a OK [CAPABILITY X] hi'])
  assert.equal(peer.writes.length, 2)
  assert.equal(stream.takeBuffered().toString(), 'b SELECT INBOX\r\nc NO')
})

test('a client whose mail is here is told so', async () => {
  const attempt = (): LoginVerdict => ({ kind: 'local', user: 'joe', fields: new Map() })
  const { end } = await run(
    ['C: a LOGIN joe pass', 'S: a OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+] Logged in'],
    { attempt },
  )
  assert.deepEqual(await end, { kind: 'local', user: 'joe' })
})

test('after a refusal the next attempt may succeed', async () => {
  const verdicts: LoginVerdict[] = [
    { kind: 'refused', why: { kind: 'failed' } },
    { kind: 'proxy-failed', retryLater: true },
    {
      kind: 'backend-refused',
      temporary: false,
      reply: { lines: ['NO [LIMIT] Too many'], untagged: ['* ALERT'] },
    },
    welcome,
  ]
  const { end } = await run(
    [
      'C: a LOGIN joe pass',
      `S: a ${FAILED}`,
      'C: b LOGIN joe pass',
      'S: b NO [UNAVAILABLE] Account is temporarily unavailable.',
      'C: c LOGIN joe pass',
      'S: * ALERT',
      'S: c NO [LIMIT] Too many',
      'C: d LOGIN joe pass',
      'S: d OK [CAPABILITY IMAP4rev1 IDLE] Logged in',
    ],
    { attempt: () => verdicts.shift() ?? welcome },
  )
  assert.deepEqual(await end, { kind: 'proxied' })
})

test('a user with too many connections is told and cut off', async () => {
  const text = 'Maximum number of connections from user+IP exceeded (mail_max_userip_connections=2)'
  const { end } = await run(['C: a LOGIN joe pass', `S: a NO [LIMIT] ${text}`], {
    attempt: () => ({ kind: 'refused', why: { kind: 'too-many-connections', text } }),
  })
  assert.deepEqual(await end, { kind: 'closed', reason: 'Too many connections' })
})

test('a password in clear text is called exposed by LOGIN and disabled by AUTHENTICATE', async () => {
  const attempt = (): LoginVerdict => ({ kind: 'refused', why: { kind: 'plaintext-disabled' } })
  const { io } = await run(
    [
      'C: a LOGIN joe pass',
      'S: * BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was listening, the password was exposed.',
      'S: a NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
      'C: b AUTHENTICATE PLAIN',
      'S: b NO [PRIVACYREQUIRED] Plaintext authentication disabled.',
      'C: c AUTHENTICATE PLAIN !',
      'S: c NO [PRIVACYREQUIRED] Plaintext authentication disabled.',
    ],
    { attempt, secured: false, mechanisms: [] },
  )
  assert.equal(io.done.remarks.length, 3)
})

test('who asks CAPABILITY before STARTTLS is noted, who asks afterwards has to', async () => {
  const before = await run(['C: a CAPABILITY', `S: * CAPABILITY ${CAPABILITY}`])
  assert.deepEqual(before.io.done.notes, [{ askedCapability: true }])
  const after = await run([
    'C: a STARTTLS',
    'S: a OK Begin TLS negotiation now.',
    'C: b CAPABILITY',
    `S: * CAPABILITY ${CAPABILITY.replace(' STARTTLS', '')}`,
    `S: b ${LISTED}`,
    'C: c STARTTLS',
    'S: c BAD TLS is already active.',
  ])
  assert.deepEqual(after.io.done.notes, [])
})

test('a failed handshake is for the caller to log', async () => {
  const startTls = (): Promise<void> => Promise.reject(new Error('no shared cipher'))
  const { end } = await run(['C: a STARTTLS', 'S: a OK Begin TLS negotiation now.'], { startTls })
  await assert.rejects(end, /no shared cipher/)
})

test('commands in one packet and in single bytes are answered alike', async () => {
  const commands =
    'a NOOP\r\nb LOGIN {3+}\r\njoe "x"\nc ID ("a" {1+}\r\nb)\r\nd AUTHENTICATE PLAIN\r\nAGpvZQB4\r\ne LOGOUT\r\n'
  const attempt: LoginOptions['attempt'] = async (credentials) => {
    if (credentials.initial === undefined) await credentials.challenge(Buffer.alloc(0))
    return { kind: 'refused', why: { kind: 'failed' } }
  }
  const whole = await start({ attempt })
  whole.peer.send(commands)
  await whole.end
  const split = await start({ attempt })
  await split.peer.sendByteByByte(commands)
  await split.end
  const expected =
    `a OK NOOP completed.\r\nb ${FAILED}\r\n* ID ("name" "Dovecot")\r\nc OK ID completed.\r\n` +
    `+ \r\nd ${FAILED}\r\n* BYE Logging out\r\ne OK Logout completed.\r\n`
  assert.equal(whole.peer.writes.slice(1).join(''), expected)
  assert.equal(split.peer.writes.slice(1).join(''), expected)
})
