import assert from 'node:assert/strict'
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

async function start(options: LoginOptions = {}): Promise<{ io: TestLoginIo; peer: Peer; end: Promise<LoginEnd> }> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = login(io)
  assert.equal(await peer.line(), '220 mail.example.org Dovecot ready.')
  return { io, peer, end }
}

const PLAIN = 'AUTH PLAIN AGpvZQB4'
const FAILED = '535 5.7.8 Authentication failed.'

/** EHLO and the keywords of its answer. */
async function keywords(peer: Peer): Promise<string[]> {
  peer.send('EHLO client.example\r\n')
  const found: string[] = []
  for (;;) {
    const line = (await peer.line()) ?? ''
    found.push(line.slice(4))
    if (!line.startsWith('250-')) return found.slice(1)
  }
}

const ALWAYS = ['BURL imap', 'CHUNKING', 'ENHANCEDSTATUSCODES']

test('EHLO tells what can be done now', async () => {
  const rows: readonly (readonly [options: LoginOptions, expected: readonly string[], why: string])[] = [
    [{}, ['8BITMIME', 'AUTH PLAIN LOGIN', ...ALWAYS, 'SIZE', 'STARTTLS', 'PIPELINING'], 'usually'],
    [{ mechanisms: [] }, ['8BITMIME', 'AUTH ', ...ALWAYS, 'SIZE', 'STARTTLS', 'PIPELINING'], 'no mechanism to show'],
    [
      { tlsAvailable: false, settings: { submission_max_mail_size: 1024 } },
      ['8BITMIME', 'AUTH PLAIN LOGIN', ...ALWAYS, 'SIZE 1024', 'PIPELINING'],
      'no TLS, and a limit',
    ],
    [
      { settings: { submission_backend_capabilities: ['BINARYMIME', 'DSN', 'VRFY', 'ETRN'] } },
      [
        'AUTH PLAIN LOGIN',
        'BINARYMIME',
        ...ALWAYS.slice(0, 2),
        'DSN',
        ALWAYS[2] ?? '',
        'SIZE',
        'STARTTLS',
        'PIPELINING',
        'VRFY',
      ],
      'backends that can do other things',
    ],
    [
      { secured: false, settings: { ssl: 'required' }, mechanisms: [] },
      ['8BITMIME', ...ALWAYS, 'SIZE', 'STARTTLS', 'PIPELINING'],
      'TLS first',
    ],
  ]
  for (const [options, expected, why] of rows) {
    const { peer } = await start(options)
    assert.deepEqual(await keywords(peer), expected, why)
  }
  const { peer } = await start({ trusted: true })
  assert.equal((await keywords(peer)).at(-1), 'XCLIENT ADDR PORT PROTO HELO LOGIN SESSION TTL TIMEOUT FORWARD')
})

const GREETINGS: readonly (readonly [command: string, helo: string, proto: string, why: string])[] = [
  ['EHLO client.example', 'client.example', 'ESMTP', 'a domain'],
  ['HELO client.example', 'client.example', 'SMTP', 'an old client'],
  ['HELO a_b.-x-', 'a_b.-x-', 'SMTP', 'an odd one'],
  ['HELO two words', 'two', 'SMTP', 'the first word counts'],
  ['HELO [127.0.0.1]', '', 'SMTP', 'an address'],
  ['HELO a..b', '', 'SMTP', 'no domain'],
  ['HELO pr\xc3\xb6be', '', 'SMTP', 'letters beyond ASCII'],
]

test('what a client calls itself is noted when it is a domain', async () => {
  for (const [command, helo, proto, why] of GREETINGS) {
    const { io, peer } = await start()
    peer.send(`${command}\r\n`)
    assert.match((await peer.line()) ?? '', /^250/)
    assert.deepEqual(io.done.notes, [{ helo, proto }], why)
  }
})

test('what was said before TLS is forgotten', async () => {
  const { io, peer } = await start()
  await play(peer, [
    'C: HELO before.example',
    'S: 250 mail.example.org',
    'C: STARTTLS',
    'S: 220 2.0.0 Begin TLS negotiation now.',
    'C: NOOP',
    'S: 250 2.0.0 OK',
  ])
  assert.deepEqual(io.done.notes.at(-1), { helo: '', proto: 'ESMTP' })
})

test('a trusted proxy says who its client is, and a later EHLO of its own does not change that', async () => {
  const { io, peer } = await start({ trusted: true })
  await play(peer, [
    'C: XCLIENT HELO=client.example PROTO=SMTP ADDR=IPV6:::1 PORT=77 SESSION=abc TTL=3 FORWARD=YT1i LOGIN=joe',
    'S: 220 mail.example.org Dovecot ready.',
  ])
  const [update] = io.done.forwarded
  assert.equal(update?.remoteIp, '::1')
  assert.deepEqual(update.forward, new Map([['a', 'b']]))
  await keywords(peer)
  assert.deepEqual(io.done.notes, [
    { helo: 'client.example', proto: 'SMTP' },
    { helo: 'client.example', proto: 'SMTP' },
  ])
})

test('XCLIENT of a stranger changes nothing, and neither does one that makes no sense', async () => {
  const stranger = await start()
  await play(stranger.peer, ['C: XCLIENT ADDR=10.1.2.3', 'S: 550 5.7.14 You are not from trusted IP'])
  const proxy = await start({ trusted: true })
  await play(proxy.peer, [
    'C: XCLIENT ADDR=10.1.2.3 PORT=0',
    'S: 501 5.5.4 Invalid PORT parameter',
    'C: XCLIENT HELO=\xc3\xbc',
    'S: 501 5.5.4 Invalid parameter: Unexpected character in parameter value',
  ])
  for (const { io } of [stranger, proxy]) assert.deepEqual([io.done.forwarded, io.done.notes], [[], []])
})

test('XCLIENT of ten kilobytes is read, one without end is not', async () => {
  const { io, peer, end } = await start({ trusted: true })
  const forward = Buffer.from(`a=${'x'.repeat(8192)}`)
    .toString('base64')
    .replaceAll('=', '+3D')
  await play(peer, [`C: XCLIENT FORWARD=${forward}`, 'S: 220 mail.example.org Dovecot ready.'])
  assert.equal(io.done.forwarded[0]?.forward?.get('a')?.length, 8192)
  peer.send(`XCLIENT FORWARD=${'A'.repeat(20_000)}`)
  await play(peer, ['S: 500 5.5.2 Line too long'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Input buffer full' })
})

test('with ssl=required nothing but what leads to TLS is answered', async () => {
  const { io, peer } = await start({ secured: false, settings: { ssl: 'required' } })
  for (const command of [PLAIN, 'AUTH FOO', 'MAIL FROM:<>', 'RSET', 'HELO x', 'VRFY x', 'XCLIENT ADDR=1.2.3.4']) {
    await play(peer, [`C: ${command}`, 'S: 530 5.7.0 TLS required.'])
  }
  await play(peer, ['C: NOOP', 'S: 250 2.0.0 OK', 'C: QUIT', 'S: 221 2.0.0 Bye'])
  assert.deepEqual(io.done.attempts, [])
})

const LINES: readonly (readonly [command: string, reply: string, why: string])[] = [
  ['MAIL FROM:<joe@example.org>', '530 5.7.0 Authentication required.', 'no mail before the login'],
  ['DATA', '530 5.7.0 Authentication required.', 'nor here'],
  ['BDAT 10 LAST', '530 5.7.0 Authentication required.', 'nor here'],
  ['EHLO', '501 Missing hostname', 'who'],
  ['EHLO ', '501 Missing hostname', 'who, again'],
  ['AUTH', '501 5.5.4 Missing SASL mechanism parameter', 'how'],
  ['AUTH ', '501 5.5.4 Missing SASL mechanism parameter', 'how, again'],
  ['AUTH  PLAIN', '500 5.5.2 Invalid command syntax', 'two blanks'],
  ['AUTH PLAIN AA AA', '501 5.5.4 Invalid parameters', 'too much'],
  ['STARTTLS now', '501 5.5.4 Invalid parameters', 'too much'],
  ['', '500 5.5.1 Unknown command', 'nothing'],
  ['\0', '500 5.5.2 Invalid command syntax', 'next to nothing'],
  ['NOOP\tx', '500 5.5.2 Invalid command syntax', 'a tab is no blank'],
  ['HELO a\0b', '500 5.5.2 Invalid command syntax', 'NUL'],
  ['HELO a\x1b[31m', '500 5.5.2 Invalid command syntax', 'what could colour a terminal'],
]

test('a certificate alone logs nobody in (submission-implicit-external)', async () => {
  const settings = { submission_client_workarounds: ['implicit-auth-external'] }
  const { io, peer } = await start({ secured: true, settings })
  await play(peer, ['C: MAIL FROM:<joe@example.org>', 'S: 530 5.7.0 Authentication required.'])
  assert.deepEqual(io.done.attempts, [])
})

test('other lines are answered by name', async () => {
  for (const [command, reply, why] of LINES) {
    const { peer } = await start()
    await play(peer, [`C: ${command}`, `S: ${reply}`]).catch((error: unknown) => {
      throw new Error(why, { cause: error })
    })
  }
})

test('the eleventh bad command in a row ends the conversation and names itself; refused ones do not count', async () => {
  const { peer, end } = await start()
  const bad = ['C: FOO', 'S: 500 5.5.1 Unknown command']
  await play(peer, Array.from({ length: 10 }, () => bad).flat())
  await play(peer, [`C: ${PLAIN}`, `S: ${FAILED}`])
  await play(peer, Array.from({ length: 10 }, () => bad).flat())
  await play(peer, ['C: RSET x', 'S: 421 4.7.0 mail.example.org Too many invalid commands.'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Too many invalid commands. (unfinished RSET command)' })
})

test('a backend that says 421 ends the client too', async () => {
  const attempt = (): LoginVerdict => ({
    kind: 'backend-refused',
    temporary: false,
    reply: { lines: ['421 4.3.2 going down'] },
  })
  const { peer, end } = await start({ attempt })
  await play(peer, [`C: ${PLAIN}`, 'S: 421 4.3.2 going down'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Server closed the connection: 421 4.3.2 going down' })
})
