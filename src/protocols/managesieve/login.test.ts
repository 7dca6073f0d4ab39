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
import type { Credentials, LoginEnd, LoginVerdict } from '../protocol.ts'
import { login } from './login.ts'

interface Session {
  readonly io: TestLoginIo
  readonly peer: Peer
  readonly end: Promise<LoginEnd>
  readonly greeting: readonly string[]
}

async function start(options: LoginOptions = {}): Promise<Session> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  const end = login(io)
  return { io, peer, end, greeting: await capabilities(peer) }
}

async function capabilities(peer: Peer): Promise<string[]> {
  const lines: string[] = []
  for (;;) {
    const line = (await peer.line()) ?? 'OK'
    lines.push(line)
    if (line.startsWith('OK')) return lines
  }
}

const ERROR = 'S: NO "Error in MANAGESIEVE command received by server."'
const FAILED = 'S: NO "Authentication failed."'

test('the greeting is the capabilities', async () => {
  const settings = {
    managesieve_implementation_string: 'Our "own"',
    managesieve_sieve_capability: 'fileinto reject',
    managesieve_notify_capability: '',
  }
  const { greeting } = await start({ settings })
  assert.deepEqual(greeting, [
    '"IMPLEMENTATION" "Our \\"own\\""',
    '"SIEVE" "fileinto reject"',
    '"NOTIFY" ""',
    '"SASL" "PLAIN LOGIN"',
    '"STARTTLS"',
    '"VERSION" "1.0"',
    'OK "Dovecot ready."',
  ])
  const trusted = await start({ trusted: true, tlsAvailable: false, mechanisms: [] })
  assert.deepEqual(trusted.greeting.slice(-4), ['"SASL" ""', '"VERSION" "1.0"', '"XCLIENT"', 'OK "Dovecot ready."'])
})

test('behind STARTTLS the capabilities come again, without it', async () => {
  const { peer } = await start()
  await play(peer, ['C: STARTTLS', 'S: OK "Begin TLS negotiation now."'])
  const lines = await capabilities(peer)
  assert.ok(!lines.includes('"STARTTLS"'))
  assert.equal(lines.at(-1), 'OK "TLS negotiation successful."')
  await play(peer, ['C: STARTTLS', 'S: NO "TLS is already active."'])
})

test('mechanism and response may be literals, whatever is in them', async () => {
  const { io, peer } = await start()
  peer.send('AUTHENTICATE {5+}\r\nPLAIN {12+}\r\nAGpvZQBzZWNy\r\n')
  await play(peer, [FAILED])
  peer.send('AUTHENTICATE {5}\r\nPL"IN "AA=="\r\n')
  await play(peer, [FAILED])
  assert.deepEqual(
    io.done.attempts.map(({ mechanism, initial }) => [mechanism, initial?.reveal().toString()]),
    [
      ['PLAIN', '\0joe\0secr'],
      ['PL"IN', '\0'],
    ],
  )
})

test('data that comes with success goes with the OK', async () => {
  const attempt =
    (verdict: LoginVerdict) =>
    async (credentials: Credentials): Promise<LoginVerdict> => {
      await credentials.challenge(Buffer.from('r=1'))
      await credentials.finish(Buffer.from('v=1'))
      return verdict
    }
  const rows: readonly (readonly [verdict: LoginVerdict, ok: string])[] = [
    [{ kind: 'local', user: 'joe', fields: new Map() }, 'OK (SASL "dj0x") "Logged in."'],
    [{ kind: 'proxied', welcome: { untagged: [], lines: ['OK (WARNINGS) "in"'] } }, 'OK (SASL "dj0x") "in"'],
    [{ kind: 'proxied', welcome: { untagged: [], lines: [] } }, 'OK (SASL "dj0x") "Logged in."'],
  ]
  for (const [verdict, ok] of rows) {
    const { peer } = await start({ attempt: attempt(verdict) })
    await play(peer, ['C: AUTHENTICATE "SCRAM-SHA-256" "bg=="', 'S: "cj0x"', 'C: "Yz0x"', `S: ${ok}`])
  }
})

const RESPONSES: readonly (readonly [line: string, reply: string])[] = [
  ['', 'NO "Received empty AUTHENTICATE client response line."'],
  ['AAAA', 'NO "Invalid AUTHENTICATE client response."'],
  ['*', 'NO "Invalid AUTHENTICATE client response."'],
  ['"AAAA', 'NO "Error in AUTHENTICATE response string: Quoted string contains an invalid character"'],
]

test('a response that is no string is told what it is', async () => {
  const attempt = async (credentials: Credentials): Promise<LoginVerdict> => {
    await credentials.challenge(Buffer.alloc(0)).catch(() => undefined)
    return { kind: 'refused', why: { kind: 'aborted' } }
  }
  for (const [line, reply] of RESPONSES) {
    const { peer } = await start({ attempt })
    await play(peer, [
      'C: AUTHENTICATE "PLAIN"',
      'S: ""',
      `C: ${line}`,
      `S: ${reply}`,
      'C: NOOP',
      'S: OK "NOOP Completed"',
    ])
  }
})

const LINES: readonly (readonly [line: string, reply: string, why: string])[] = [
  ['', ERROR, 'nothing'],
  [' NOOP', ERROR, 'a blank first'],
  ['FOO', ERROR, 'no command'],
  ['"NOOP"', ERROR, 'a string is no command'],
  ['AUTHENTICATE', ERROR, 'no mechanism'],
  ['AUTHENTICATE ""', ERROR, 'an empty one'],
  ['AUTHENTICATE PLAIN', ERROR, 'an atom'],
  ['AUTHENTICATE "PLAIN" AA==', 'S: NO "Invalid AUTHENTICATE initial response."', 'an atom as response'],
  ['AUTHENTICATE "PLAIN', ERROR, 'no end of the string'],
  ['CAPABILITY x', ERROR, 'too much'],
  ['LOGOUT x', ERROR, 'too much'],
  ['NOOP x', 'S: NO "Invalid echo tag."', 'an atom'],
  ['NOOP "a" "b"', ERROR, 'too much'],
  ['NOOP "a\\"b\\\\"', 'S: OK (TAG "a\\"b\\\\") "Done"', 'a tag with escapes'],
  ['NOOP "\x01\xff"', 'S: OK (TAG "\x01\xff") "Done"', 'a tag of bytes'],
  ['NOOP "a\0"', ERROR, 'NUL'],
  ['PUTSCRIPT "x" "keep;"', ERROR, 'for users only'],
]

test('other lines are answered by name', async () => {
  for (const [line, reply, why] of LINES) {
    const { peer } = await start()
    await play(peer, [`C: ${line}`, reply]).catch((error: unknown) => {
      throw new Error(why, { cause: error })
    })
  }
})

test('a tag that no quotes can hold comes back as a literal', async () => {
  const { peer } = await start()
  peer.send('NOOP {4+}\r\na\r\nb\r\n')
  await play(peer, ['S: OK (TAG {4+}', 'S: a', 'S: b) "Done"'])
})

const ENDLESS: readonly (readonly [input: string, reply: string | undefined, reason: string, why: string])[] = [
  [
    'NOOP {99999999+}\r\n',
    'BYE "Literal size too large"',
    'Literal size too large',
    'a literal that nobody would keep',
  ],
  ['NOOP {9999999999+}\r\n', 'BYE "Literal size too large"', 'Literal size too large', 'the largest that can be said'],
  [`NOOP ${'{0+}\r\n '.repeat(20)}`, 'BYE "Literal size too large"', 'Literal size too large', 'literals without end'],
  [
    'AUTHENTICATE "PLAIN" {99999999+}\r\n',
    undefined,
    'Authentication response too large',
    'where Dovecot says nothing',
  ],
  [
    `NOOP {2+}\r\nxx${'y'.repeat(20_000)}`,
    'BYE "Input buffer full, aborting"',
    'Input buffer full',
    'the rest of a line',
  ],
]

test('what is too long is cut off', async () => {
  for (const [input, reply, reason, why] of ENDLESS) {
    const { peer, end } = await start()
    peer.send(input)
    assert.deepEqual(await end, { kind: 'closed', reason }, why)
    if (reply !== undefined) await play(peer, [`S: ${reply}`])
  }
})

test('a client that leaves in the middle of a literal was there', async () => {
  for (const half of ['NOOP {10+}\r\nabc', 'NOOP {3+}\r\nabc', 'AUTHENTICATE {5+}\r\nPLAIN {9+}\r\n']) {
    const { io, peer, end } = await start()
    peer.send(half)
    peer.end()
    assert.deepEqual(await end, { kind: 'closed', reason: 'Connection closed' }, half)
    assert.deepEqual(io.done.attempts, [])
    assert.equal(peer.writes.length, 1, 'nothing but the greeting')
  }
})

test('the third bad command ends the conversation, good ones in between do not help', async () => {
  const { peer, end } = await start()
  await play(peer, [
    'C: FOO',
    ERROR,
    'C: NOOP',
    'S: OK "NOOP Completed"',
    'C: FOO',
    ERROR,
    'C: FOO',
    'S: BYE "Too many invalid MANAGESIEVE commands."',
  ])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Too many invalid commands.' })
})

test('a trusted proxy says who its client is; a stranger says nothing', async () => {
  const { io, peer } = await start({ trusted: true })
  await play(peer, [
    'C: XCLIENT ADDR=10.1.2.3 PORT=77 SESSION=abc TTL=3 FORWARD=YT1i',
    'S: OK "Updated"',
    'C: XCLIENT ADDR=x',
    ERROR,
    'C: XCLIENT "ADDR=10.1.2.3"',
    ERROR,
  ])
  assert.deepEqual(io.done.forwarded, [
    { remoteIp: '10.1.2.3', remotePort: 77, session: 'abc', ttl: 3, forward: new Map([['a', 'b']]) },
  ])
  const stranger = await start()
  await play(stranger.peer, ['C: XCLIENT ADDR=10.1.2.3', 'S: NO "You are not from trusted IP"'])
  assert.deepEqual(stranger.io.done.forwarded, [])
})

test('XCLIENT of ten kilobytes is read, one without end is not', async () => {
  const { io, peer, end } = await start({ trusted: true })
  const forward = Buffer.from(`a=${'x'.repeat(8192)}`).toString('base64')
  await play(peer, [`C: XCLIENT FORWARD=${forward}`, 'S: OK "Updated"'])
  assert.equal(io.done.forwarded[0]?.forward?.get('a')?.length, 8192)
  peer.send(`XCLIENT FORWARD=${'A'.repeat(20_000)}`)
  await play(peer, ['S: BYE "Input buffer full, aborting"'])
  assert.deepEqual(await end, { kind: 'closed', reason: 'Input buffer full' })
})
