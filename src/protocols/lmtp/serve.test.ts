import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { HELLO, proxied, taking, testLmtp, type TestLmtp } from '../../../test/support/lmtp-session.ts'
import { play } from '../../../test/support/protocol-session.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import { LMTP_LIMITS } from './limits.ts'
import type { LocalAccount, LocalDelivery, LocalMailboxes, RecipientRoute } from './services.ts'

const MAIL = [...HELLO, 'C: MAIL FROM:<a@b>', 'S: 250 2.1.0 OK'] as const
const toBackend = { route: ({ user }: { user: string }) => proxied(user) }

/** Client and backend, each with a script of its own, at the same time. */
async function both(lmtp: TestLmtp, client: readonly string[], backend: readonly string[]): Promise<void> {
  await Promise.all([play(lmtp.client, client), lmtp.backend(1).then(async (peer) => await play(peer, backend))])
}

test('recipients that come pipelined are looked up side by side and answered in order', async (t) => {
  const lookups: string[] = []
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => (release = resolve))
  const lmtp = testLmtp(t, {
    async route({ user }) {
      lookups.push(user)
      if (user === 'slow') await slow
      else if (user === 'last') release()
      return { kind: 'unknown' }
    },
  })
  const script = ['C> RCPT TO:<slow>\r\nRCPT TO:<quick>\r\nRCPT TO:<last>\r\n']
  const replies = ['slow', 'quick', 'last'].map((name) => `S: 550 5.1.1 <${name}> User doesn't exist: ${name}`)
  await play(lmtp.client, [...MAIL, ...script, ...replies])
  assert.deepEqual(lookups, ['slow', 'quick', 'last'])
})

test('connections are opened in the order of the recipients, whatever their lookups take', async (t) => {
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => (release = resolve))
  const lmtp = testLmtp(t, {
    async route({ user }) {
      if (user === 'slow') await slow
      else release()
      return proxied(user, { port: user === 'slow' ? 1024 : 2048 })
    },
  })
  await play(lmtp.client, [...MAIL, 'C> RCPT TO:<slow>\r\nRCPT TO:<quick>\r\n'])
  await lmtp.backend(2)
  assert.deepEqual(
    lmtp.backends.map(({ destination }) => destination.port),
    [1024, 2048],
  )
})

test('a fault of ours is a temporary failure of that recipient, and in the log', async (t) => {
  const lmtp = testLmtp(t, {
    route() {
      throw new Error('broken')
    },
  })
  await play(lmtp.client, [
    ...MAIL,
    'C: RCPT TO:<joe@x>',
    'S: 451 4.3.0 <joe@x> Temporary internal error',
    'C: NOOP',
    'S: 250 2.0.0 OK',
  ])
  assert.ok(lmtp.log.some((line) => line.startsWith('error: lmtp-server: conn 192.0.2.1:4321 [1]: BUG: Error: broken')))
})

test('what a lookup can come to, in the words of the client', async (t) => {
  const rows: [route: ReturnType<NonNullable<Parameters<typeof testLmtp>[1]>['route'] & {}>, reply: string][] = [
    [{ kind: 'unknown' }, "550 5.1.1 <joe+box@x> User doesn't exist: joe@x"],
    [{ kind: 'lookup-failed' }, '451 4.3.0 <joe+box@x> Temporary user lookup failure'],
    [{ kind: 'misconfigured', text: 'host not given' }, '451 4.3.0 <joe+box@x> Temporary internal error'],
    [{ kind: 'looping', why: 'hops' }, '554 5.4.6 <joe+box@x> Proxying appears to be looping (TTL=0)'],
    [{ kind: 'looping', why: 'self' }, '554 5.4.6 <joe+box@x> Proxying loops to itself'],
    [{ kind: 'local', account: account('joe@x') }, '451 4.3.0 <joe+box@x> Temporary internal error'],
    [proxied('no\r\naddress'), '451 4.3.0 <joe+box@x> Temporary internal error'],
  ]
  for (const [route, reply] of rows) {
    const lmtp = testLmtp(t, { route: async () => await route })
    await play(lmtp.client, [
      ...MAIL,
      'C: RCPT TO:<joe+box@x>',
      `S: ${reply}`,
      'C: DATA',
      'S: 503 5.5.0 No valid recipients',
    ])
  }
})

test('a backend hears of the client what a PROXY header said', async (t) => {
  const haproxy = { destination: { ip: '198.51.100.1', port: 2424 }, tls: { certificateVerified: false } }
  const lmtp = testLmtp(t, { haproxy, route: () => proxied('joe@x') })
  await play(lmtp.client, [...MAIL, 'C: RCPT TO:<joe@x>'])
  await lmtp.backend(1)
  const told = lmtp.backends[0]?.client
  assert.deepEqual(told?.local, haproxy.destination)
  assert.equal(told?.tls, 'before')
})

test('a transaction has only so many backends', async (t) => {
  let port = 1000
  const lmtp = testLmtp(t, { route: ({ user }) => proxied(user, { port: port++ }) })
  const names = Array.from({ length: LMTP_LIMITS.backends }, (_, index) => `user${index}`)
  for (const line of MAIL) await play(lmtp.client, [line])
  for (const [index, name] of names.entries()) {
    await both(
      { ...lmtp, backend: async () => await lmtp.backend(index + 1) },
      [`C: RCPT TO:<${name}>`, 'S: 250 2.1.5 OK'],
      taking(name),
    )
  }
  await play(lmtp.client, ['C: RCPT TO:<one-more>', 'S: 451 4.5.3 <one-more> Too many destinations'])
})

test('SIZE and SMTPUTF8 go to a backend that offers them', async (t) => {
  const lmtp = testLmtp(t, toBackend)
  await both(
    lmtp,
    [
      ...HELLO,
      'C: MAIL FROM:<a@b> SIZE=1000 SMTPUTF8',
      'S: 250 2.1.0 OK',
      'C> RCPT TO:<\xc3\xa9@x>\r\n',
      'S: 250 2.1.5 OK',
    ],
    taking('\xc3\xa9@x', ['SIZE', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'], ' SMTPUTF8 SIZE=1000'),
  )
})

test('a message that needs SMTPUTF8 is refused where it cannot go', async (t) => {
  const lmtp = testLmtp(t, toBackend)
  await both(
    lmtp,
    [
      ...HELLO,
      'C: MAIL FROM:<a@b> SMTPUTF8',
      'S: 250 2.1.0 OK',
      'C: RCPT TO:<joe@x>',
      'S: 553 5.6.7 <joe@x> Destination does not take non-ASCII addresses',
    ],
    taking('joe@x').slice(0, 6),
  )
})

test('MAIL refuses parameters that make no sense', async (t) => {
  const rows = [
    ['SIZE=x', '501 5.5.4 Invalid SIZE= parameter'],
    ['SMTPUTF8=x', '501 5.5.4 Invalid SMTPUTF8 parameter'],
    ['constructor', '555 5.5.4 Unsupported parameters'],
  ]
  const lmtp = testLmtp(t)
  await play(lmtp.client, [...HELLO, ...rows.flatMap(([word, reply]) => [`C: MAIL FROM:<a@b> ${word}`, `S: ${reply}`])])
})

test('within a message only what belongs to it is possible', async (t) => {
  const lmtp = testLmtp(t, toBackend)
  await both(
    lmtp,
    [
      ...MAIL,
      'C: RCPT TO:<joe@x>',
      'S: 250 2.1.5 OK',
      'C> BDAT 4\r\nabcd',
      'S: 250 2.0.0 Added 4 octets',
      'C: MAIL FROM:<c@d>',
      'S: 503 5.5.0 MAIL already given',
      'C: RCPT TO:<jane@x>',
      'S: 503 5.5.0 RCPT not permitted within a message',
      'C: DATA',
      'S: 503 5.5.0 Bad sequence of commands',
      'C: NOOP',
      'S: 250 2.0.0 OK',
      'C> bdat 2 last\r\nef',
      'S: 250 2.0.0 <joe@x> AAAAAAAAAAAAAAAAAAAAAA Saved',
      'C: QUIT',
      'S: 221 2.0.0 Bye',
      'S: EOF',
    ],
    [...taking('joe@x'), 'P: BDAT 6 LAST', 'B: 250 2.0.0 saved', 'P: abcdefQUIT', 'B: 221 bye'],
  )
  lmtp.client.end()
  await lmtp.done
  const [sent = '', left] = lmtp.log.slice(-2)
  assert.equal(
    sent.replace(/at \d+ ms/, 'at N ms'),
    'info: lmtp-server: conn 192.0.2.1:4321 [1]: rcpt joe@x: <AAAAAAAAAAAAAAAAAAAAAA>: Sent message to <joe@x> at 192.0.2.9:24: 250 2.0.0 saved (1/1 at N ms)',
  )
  assert.equal(left, 'info: Disconnect from 192.0.2.1: Logged out (state=READY)')
  assert.ok(lmtp.events.includes('lmtp_recipient_finished'))
})

test('a chunk that cannot be taken is read all the same, and nothing more before RSET', async (t) => {
  const lmtp = testLmtp(t)
  const failed = 'S: 503 5.5.0 Previous data chunk failed, issue RSET first'
  await play(lmtp.client, [
    ...MAIL,
    'C> BDAT 5 FOO\r\nRSET\n',
    'S: 501 5.5.4 Invalid end marker parameter',
    'C> BDAT 6 LAST\r\nQUIT\r\n',
    failed,
    'C: DATA',
    failed,
    'C: RSET',
    'S: 250 2.0.0 OK',
    'C> BDAT 0 LAST\r\n',
    'S: 503 5.5.0 MAIL needed first',
  ])
})

test('a chunk of unknown size ends the connection: what follows is no command', async (t) => {
  for (const args of ['', ' x', ' -1', ' 1234567890123456', ' 4 LAST LAST']) {
    const lmtp = testLmtp(t)
    await play(lmtp.client, [
      ...HELLO,
      `C> BDAT${args}\r\nQUIT\r\n`,
      'S: 501 5.5.4 Invalid chunk size parameter',
      'S: EOF',
    ])
    assert.match(lmtp.log.at(-1) ?? '', /Disconnect from 192\.0\.2\.1: Invalid BDAT command/)
  }
})

test('RSET takes a message back: the backend sees no end of it', async (t) => {
  const lmtp = testLmtp(t, toBackend)
  await both(
    lmtp,
    [
      ...MAIL,
      'C: RCPT TO:<joe@x>',
      'S: 250 2.1.5 OK',
      'C> BDAT 4\r\nabcd',
      'S: 250 2.0.0 Added 4 octets',
      'C: RSET',
      'S: 250 2.0.0 OK',
    ],
    [...taking('joe@x'), 'P: QUIT', 'B: 221 bye', 'P: EOF'],
  )
})

test('a line that has no end ends the connection', async (t) => {
  const lmtp = testLmtp(t)
  await play(lmtp.client, HELLO)
  lmtp.client.send('x'.repeat(LMTP_LIMITS.skippedBytes + 2 * LMTP_LIMITS.lineBytes))
  await play(lmtp.client, ['S: 421 4.7.0 proxy.test Command line too long', 'S: EOF'])
})

test('a trusted proxy may send longer lines than a stranger', async (t) => {
  const long = `NOOP ${'x'.repeat(LMTP_LIMITS.lineBytes)}`
  await play(testLmtp(t).client, [...HELLO, `C: ${long}`, 'S: 500 5.5.2 Line too long', 'C: NOOP', 'S: 250 2.0.0 OK'])
  const trusted = testLmtp(t, { trusted: true })
  await play(trusted.client, ['S: 220 proxy.test ready.', `C: ${long}`, 'S: 250 2.0.0 OK'])
})

test('a client that says nothing for five minutes is sent away', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const lmtp = testLmtp(t)
  await play(lmtp.client, HELLO)
  await turn()
  t.mock.timers.tick(LMTP_LIMITS.idleMs)
  await play(lmtp.client, ['S: 421 4.4.2 proxy.test Disconnected for inactivity', 'S: EOF'])
  lmtp.client.end()
  await lmtp.done
  assert.equal(lmtp.log.at(-1), 'info: Disconnect from 192.0.2.1: Disconnected for inactivity (state=READY)')
})

test('a client that is owed a reply may wait', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let answer = (): void => {}
  const lmtp = testLmtp(t, {
    route: async () => await new Promise((resolve) => (answer = () => resolve({ kind: 'unknown' }))),
  })
  await play(lmtp.client, [...MAIL, 'C: RCPT TO:<joe>'])
  await turn()
  t.mock.timers.tick(2 * LMTP_LIMITS.idleMs)
  answer()
  await play(lmtp.client, ["S: 550 5.1.1 <joe> User doesn't exist: joe", 'C: NOOP', 'S: 250 2.0.0 OK'])
})

test('when the server stops, an idle client is sent away at once', async (t) => {
  const lmtp = testLmtp(t)
  await play(lmtp.client, HELLO)
  lmtp.stop()
  await play(lmtp.client, ['S: 421 4.3.2 proxy.test Shutting down', 'S: EOF'])
  lmtp.client.end()
  await lmtp.done
  assert.equal(lmtp.log.at(-1), 'info: Disconnect from 192.0.2.1: Shutting down (state=READY)')
})

test('when the server stops, a message that is under way is finished first', async (t) => {
  const lmtp = testLmtp(t, toBackend)
  await both(lmtp, [...MAIL, 'C: RCPT TO:<joe@x>', 'S: 250 2.1.5 OK', 'C: DATA', 'S: 354 OK', 'C: x'], taking('joe@x'))
  lmtp.stop()
  await both(
    lmtp,
    ['C: .', 'S: 250 2.0.0 <joe@x> AAAAAAAAAAAAAAAAAAAAAA Saved', 'S: 421 4.3.2 proxy.test Shutting down', 'S: EOF'],
    ['P: BDAT 3 LAST', 'P: x', 'B: 250 2.0.0 saved', 'P: QUIT'],
  )
})

test('when the server stops, a recipient that is asked for is answered first', async (t) => {
  let answer = (): void => {}
  const lmtp = testLmtp(t, {
    route: async () => await new Promise((resolve) => (answer = () => resolve({ kind: 'unknown' }))),
  })
  await play(lmtp.client, [...MAIL, 'C: RCPT TO:<joe>'])
  await turn()
  lmtp.stop()
  answer()
  await play(lmtp.client, [
    "S: 550 5.1.1 <joe> User doesn't exist: joe",
    'S: 421 4.3.2 proxy.test Shutting down',
    'S: EOF',
  ])
})

test('mail for mailboxes of this server goes to the local delivery', async (t) => {
  const saved = new Map<string, string>()
  const mailboxes = localMailboxes((user, text) => {
    if (user === 'jane') throw new StoreRefusal('over-quota', 'Quota exceeded (mailbox for user is full)')
    saved.set(user, text)
  })
  const lmtp = testLmtp(t, { mailboxes, route: localRoute })
  await play(lmtp.client, [
    ...MAIL,
    'C> RCPT TO:<joe>\r\nRCPT TO:<nobody>\r\nRCPT TO:<jane>\r\nRCPT TO:<joe+work>\r\n',
    'S: 250 2.1.5 OK',
    "S: 550 5.1.1 <nobody> User doesn't exist: nobody",
    'S: 250 2.1.5 OK',
    'S: 250 2.1.5 OK',
    'C: DATA',
    'S: 354 OK',
    'C> hello\r\n.\r\n',
    'S: 250 2.0.0 <joe> AAAAAAAAAAAAAAAAAAAAAA Saved',
    'S: 552 5.2.2 <jane> Quota exceeded (mailbox for user is full)',
    'S: 250 2.0.0 <joe+work> AAAAAAAAAAAAAAAAAAAAAA:R4 Saved',
    'C: QUIT',
    'S: 221 2.0.0 Bye',
  ])
  assert.deepEqual([...saved], [['joe', 'Return-Path: <a@b>\r\nhello\r\n']])
})

test('a single recipient is named in the message', async (t) => {
  const saved: string[] = []
  const mailboxes = localMailboxes((_user, text) => void saved.push(text))
  const lmtp = testLmtp(t, { mailboxes, route: localRoute })
  const mail = ['C: DATA', 'S: 354 OK', 'C> hi\r\n.\r\n']
  await play(lmtp.client, [
    ...MAIL,
    'C: RCPT TO:<joe+work>',
    'S: 250 2.1.5 OK',
    ...mail,
    'S: 250 2.0.0 <joe+work> AAAAAAAAAAAAAAAAAAAAAA Saved',
  ])
  assert.deepEqual(saved, ['Return-Path: <a@b>\r\nDelivered-To: joe+work\r\nhi\r\n'])
})

test('a local delivery learns that the client left', async (t) => {
  const aborted = Promise.withResolvers<void>()
  const mailboxes = localMailboxes(() => assert.fail('half a message'), aborted.resolve)
  const lmtp = testLmtp(t, { mailboxes, route: localRoute })
  await play(lmtp.client, [...MAIL, 'C: RCPT TO:<joe>', 'S: 250 2.1.5 OK', 'C: DATA', 'S: 354 OK', 'C: half'])
  lmtp.client.end()
  await aborted.promise
  await lmtp.done
  assert.equal(
    lmtp.log.at(-1),
    'info: Disconnect from 192.0.2.1: Connection closed (unfinished DATA command) (state=DATA)',
  )
})

test('STARTTLS forgets what was said and what was pipelined behind it', async (t) => {
  const lmtp = testLmtp(t, { tlsAvailable: true })
  await play(lmtp.client, ['S: 220 proxy.test ready.', 'C: MAIL FROM:<a@b>', 'S: 250 2.1.0 OK'])
  lmtp.client.send('STARTTLS\r\nMAIL FROM:<injected@evil>\r\n')
  await play(lmtp.client, [
    'S: 220 2.0.0 Begin TLS negotiation now.',
    'C: RCPT TO:<joe>',
    'S: 503 5.5.0 MAIL needed first',
  ])
})

function localRoute({ user }: { readonly user: string }): RecipientRoute {
  return user === 'nobody' ? { kind: 'unknown' } : { kind: 'local', account: account(user) }
}

function account(user: string): LocalAccount {
  return { user, fields: new Map() }
}

/** `save` gets whole messages; what it throws is what saving throws. */
function localMailboxes(save: (user: string, text: string) => void, aborted?: () => void): LocalMailboxes {
  return {
    async open({ account: { user } }) {
      const chunks: Uint8Array[] = []
      const delivery: LocalDelivery = {
        begin: async () => {},
        write: (chunk) => void chunks.push(chunk),
        finish: async () => await Promise.resolve(save(user, Buffer.concat(chunks).toString())),
        abort: async () => await Promise.resolve(aborted?.()),
        close() {},
      }
      return await Promise.resolve({ kind: 'ready', delivery })
    },
  }
}
