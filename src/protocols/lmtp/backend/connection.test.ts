import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { HELLO, proxied, taking, testLmtp, type TestLmtpOptions } from '../../../../test/support/lmtp-session.ts'
import { play } from '../../../../test/support/protocol-session.ts'
import { DialFailed } from '../../../net/dial.ts'
import { TlsFailed } from '../../../net/tls.ts'
import { LMTP_LIMITS } from '../limits.ts'
import { MESSAGE_LIMITS } from '../message/message.ts'
import type { Destination } from '../services.ts'

const ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const MAIL = [...HELLO, 'C: MAIL FROM:<a@b>', 'S: 250 2.1.0 OK', 'C: RCPT TO:<joe@x>'] as const
const TAKEN = [...MAIL, 'S: 250 2.1.5 OK'] as const
const MESSAGE = ['C: DATA', 'S: 354 OK', 'C: x', 'C: .'] as const
const SAVED = `S: 250 2.0.0 <joe@x> ${ID} Saved`

function to(changes: Partial<Destination> = {}): TestLmtpOptions {
  return { route: ({ user }) => proxied(user, changes) }
}

test('an SMTP server that does not know EHLO is greeted with HELO, and gets DATA', async (t) => {
  const lmtp = testLmtp(t, to({ protocol: 'smtp' }))
  const client = play(lmtp.client, [...MAIL, 'S: 250 2.1.0 fine', ...MESSAGE, SAVED])
  await play(await lmtp.backend(1), [
    'B: 220 old',
    'P: EHLO proxy.test',
    'B: 502 what?',
    'P: HELO proxy.test',
    'B: 250 old',
    'P: MAIL FROM:<a@b>',
    'B: 250 fine',
    'P: RCPT TO:<joe@x>',
    'B: 250 fine',
    'P: DATA',
    'B: 354 go on',
    'P: x',
    'P: .',
    'B: 250 taken',
    'P: QUIT',
  ])
  await client
})

test('a name that is longer than names are is not told to the backend', async (t) => {
  const lmtp = testLmtp(t, to())
  const name = 'h'.repeat(LMTP_LIMITS.heloBytes + 1)
  const client = play(lmtp.client, [
    'S: 220 proxy.test ready.',
    `C: LHLO ${name}`,
    ...HELLO.slice(2),
    'C: MAIL FROM:<a@b>',
    'S: 250 2.1.0 OK',
    'C: RCPT TO:<joe@x>',
  ])
  await play(await lmtp.backend(1), [
    'B: 220 backend.test',
    'P: LHLO proxy.test',
    'B: 250-backend.test',
    'B: 250 XCLIENT HELO PROTO PORT ADDR',
    'P: XCLIENT PROTO=LMTP PORT=4321 ADDR=192.0.2.1',
  ])
  await client
})

test('what a backend says in clear behind its answer to STARTTLS is not believed', async (t) => {
  // The stream of a STARTTLS connection forgets what is unread; the one here does not, and the pipe notices.
  const lmtp = testLmtp(t, to({ tls: 'starttls' }))
  const client = play(lmtp.client, [...MAIL, `S: 451 4.4.0 Proxy failed (bad reply, session=${ID})`])
  await play(await lmtp.backend(1), [
    'B: 220 backend.test',
    'P: LHLO proxy.test',
    'B: 250-backend.test',
    'B: 250 STARTTLS',
    'P: STARTTLS',
  ])
  lmtp.backends[0]?.peer.send('220 go\r\n250 PIPELINING\r\n')
  await client
})

test('how connecting can fail, in the words of the log and of the client', async (t) => {
  const rows: [error: Error, log: string, detail: string][] = [
    [
      new DialFailed(
        'connect',
        'connect(192.0.2.9, 24) failed: Connection refused',
        undefined,
        Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      ),
      'connect(192.0.2.9:24) failed: Connection refused',
      'Failed to connect to remote server',
    ],
    [
      new DialFailed('timeout', 'Timed out', undefined),
      'Connection timed out after 30 seconds',
      'Failed to connect to remote server',
    ],
    [
      new DialFailed('certificate', 'self-signed certificate', undefined),
      'connect(192.0.2.9:24) failed: SSL handshake to 192.0.2.9:24 failed: self-signed certificate',
      'connect(192.0.2.9:24) failed: SSL handshake to 192.0.2.9:24 failed: self-signed certificate',
    ],
    [
      new TlsFailed('handshake', 'no shared cipher'),
      'SSL handshake failed: no shared cipher',
      'SSL handshake failed: no shared cipher',
    ],
    [new Error('ssl_client_cert: no such file'), 'ssl_client_cert: no such file', 'Failed to connect to remote server'],
  ]
  for (const [error, log, detail] of rows) {
    const connect = async (): Promise<never> => await Promise.reject(error)
    const quiet = testLmtp(t, { ...to(), connect })
    await play(quiet.client, [...MAIL, `S: 451 4.4.0 Proxy failed (connect, session=${ID})`])
    assert.ok(quiet.log.includes(`error: lmtp-client: conn 192.0.2.9:24 [1]: ${log}`), quiet.log.join('\n'))
    const verbose = testLmtp(t, { ...to(), connect, settings: { lmtp_verbose_replies: true } })
    await play(verbose.client, [...MAIL, `S: 451 4.4.0 Proxy failed: ${detail} (session=${ID})`])
  }
})

test('a failed connection is logged once, however many recipients it costs', async (t) => {
  const connect = async (): Promise<never> => await Promise.reject(new DialFailed('timeout', 'Timed out', undefined))
  const lmtp = testLmtp(t, { ...to(), connect })
  await play(lmtp.client, [
    ...MAIL,
    `S: 451 4.4.0 Proxy failed (connect, session=${ID})`,
    'C: RCPT TO:<jane@x>',
    `S: 451 4.4.0 Proxy failed (connect, session=${ID}:R2)`,
  ])
  assert.equal(lmtp.log.filter((line) => line.startsWith('error: lmtp-client')).length, 1)
})

test('a backend that says nothing has half a minute, whatever proxy_timeout says', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  for (const lines of [[], ['B: 220 backend.test', 'P: LHLO proxy.test']]) {
    const lmtp = testLmtp(t, to({ timeoutMs: 1000 }))
    const client = play(lmtp.client, [...MAIL, `S: 451 4.4.0 Proxy failed (connect, session=${ID})`])
    await play(await lmtp.backend(1), lines)
    await turn()
    t.mock.timers.tick(LMTP_LIMITS.connectMs - 1)
    await turn()
    assert.ok(!lmtp.log.some((line) => line.includes('timed out')))
    t.mock.timers.tick(1)
    await client
    assert.ok(lmtp.log.includes('error: lmtp-client: conn 192.0.2.9:24 [1]: Connection timed out after 30 seconds'))
  }
})

test('a backend that does not answer RCPT has its proxy_timeout', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  for (const timeoutMs of [undefined, 2000]) {
    const lmtp = testLmtp(t, to(timeoutMs === undefined ? {} : { timeoutMs }))
    const client = play(lmtp.client, [...MAIL, `S: 451 4.4.0 Proxy failed (timed out, session=${ID})`])
    await play(await lmtp.backend(1), taking('joe@x').slice(0, -1))
    await turn()
    t.mock.timers.tick((timeoutMs ?? LMTP_LIMITS.replyMs) - 1)
    await turn()
    assert.ok(!lmtp.log.some((line) => line.includes('timed out')))
    t.mock.timers.tick(1)
    await client
    assert.ok(lmtp.log.includes('error: lmtp-client: conn 192.0.2.9:24 [1]: Command timed out, disconnecting'))
  }
})

test('an answer before the message is no answer to it', async (t) => {
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, [...TAKEN, 'C: DATA', 'S: 354 OK', 'C: x'])
  await play(await lmtp.backend(1), [
    ...taking('joe@x', ['ENHANCEDSTATUSCODES', 'PIPELINING']),
    'B: 250 2.0.0 saved already',
  ])
  await client
  await play(lmtp.client, ['C: .', `S: 451 4.4.0 Proxy failed (bad reply, session=${ID})`])
})

test('a backend that says yes within DATA has not got the message', async (t) => {
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, [...TAKEN, ...MESSAGE])
  // Both in one go: the second reply is there before the first byte of the message goes out.
  await play(await lmtp.backend(1), [...taking('joe@x', ['ENHANCEDSTATUSCODES', 'PIPELINING']), 'P: DATA'])
  lmtp.backends[0]?.peer.send('354 go\r\n250 2.0.0 saved\r\n')
  await client
  await play(lmtp.client, [`S: 451 4.4.0 Proxy failed (bad reply, session=${ID})`])
})

test('a backend that refuses within DATA is quoted', async (t) => {
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, [...TAKEN, ...MESSAGE])
  await play(await lmtp.backend(1), [...taking('joe@x', ['PIPELINING', 'ENHANCEDSTATUSCODES']), 'P: DATA'])
  lmtp.backends[0]?.peer.send('354 go\r\n552 5.3.4 too much\r\n')
  await client
  await play(lmtp.client, ['S: 552 5.3.4 <joe@x> too much'])
})

test('a backend that refuses a chunk in the middle of a message is quoted, and sees no end of it', async (t) => {
  for (const extensions of [
    ['CHUNKING', 'ENHANCEDSTATUSCODES'],
    ['CHUNKING', 'ENHANCEDSTATUSCODES', 'PIPELINING'],
  ]) {
    const lmtp = testLmtp(t, to())
    const client = play(lmtp.client, TAKEN)
    const backend = await lmtp.backend(1)
    await play(backend, taking('joe@x', extensions))
    await client
    lmtp.client.send(`BDAT ${3 * MESSAGE_LIMITS.blockBytes}\r\n${'x'.repeat(3 * MESSAGE_LIMITS.blockBytes)}`)
    await play(backend, [`P: BDAT ${MESSAGE_LIMITS.blockBytes}`, 'B: 552 5.3.4 too big'])
    await play(lmtp.client, [
      `S: 250 2.0.0 Added ${3 * MESSAGE_LIMITS.blockBytes} octets`,
      'C> BDAT 0 LAST\r\n',
      'S: 552 5.3.4 <joe@x> too big',
    ])
    assert.ok(!(await backend.rest()).includes('LAST'))
  }
})

test('a success to DATA itself makes no sense', async (t) => {
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, [...TAKEN, ...MESSAGE, `S: 451 4.4.0 Proxy failed (bad reply, session=${ID})`])
  await play(await lmtp.backend(1), [
    ...taking('joe@x', ['ENHANCEDSTATUSCODES', 'PIPELINING']),
    'P: DATA',
    'B: 250 2.0.0 saved',
  ])
  await client
})

test('a backend that answers 354 to a message makes no sense either', async (t) => {
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, [...TAKEN, ...MESSAGE, `S: 451 4.4.0 Proxy failed (bad reply, session=${ID})`])
  await play(await lmtp.backend(1), [...taking('joe@x'), 'P: BDAT 3 LAST', 'P: x', 'B: 354 more'])
  await client
})

test('recipients that were taken before the connection broke are told after the message', async (t) => {
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, TAKEN)
  const backend = await lmtp.backend(1)
  await play(backend, taking('joe@x'))
  await client
  backend.end()
  await play(lmtp.client, [...MESSAGE, `S: 451 4.4.0 Proxy failed (connection lost, session=${ID})`])
})

test('8-bit content that was promised goes only where it is known; 7-bit content goes anywhere', async (t) => {
  const mail = [
    ...HELLO,
    'C: MAIL FROM:<a@b> BODY=8BITMIME',
    'S: 250 2.1.0 OK',
    'C: RCPT TO:<joe@x>',
    'S: 250 2.1.5 OK',
    'C: DATA',
    'S: 354 OK',
  ]
  for (const [text, reply] of [
    ['caf\xe9', 'S: 554 5.6.3 <joe@x> Message has 8-bit content, which the destination does not take'],
    ['cafe', SAVED],
  ]) {
    const lmtp = testLmtp(t, to())
    const client = play(lmtp.client, [...mail, `C> ${text}\r\n.\r\n`, reply ?? ''])
    const backend = await lmtp.backend(1)
    await play(backend, taking('joe@x'))
    if (reply === SAVED) await play(backend, ['P: BDAT 6 LAST', 'P: cafe', 'B: 250 2.0.0 saved'])
    await client
  }
  // Not promised: as it comes.
  const lmtp = testLmtp(t, to())
  const client = play(lmtp.client, [...TAKEN, 'C: DATA', 'S: 354 OK', 'C> caf\xe9\r\n.\r\n', SAVED])
  await play(await lmtp.backend(1), [...taking('joe@x'), 'P: BDAT 6 LAST', 'P: caf\xe9', 'B: 250 2.0.0 saved'])
  await client
})

test('the last reply of a transaction counts for as long as the most patient backend has', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const lmtp = testLmtp(t, {
    route: ({ user }) => proxied(user, user === 'joe@x' ? { timeoutMs: 1000 } : { port: 25, timeoutMs: 3000 }),
  })
  const client = play(lmtp.client, [...TAKEN, 'C: RCPT TO:<jane@x>', 'S: 250 2.1.5 OK', ...MESSAGE])
  const joe = await lmtp.backend(1)
  await play(joe, taking('joe@x'))
  await play(await lmtp.backend(2), taking('jane@x'))
  await client
  await play(joe, ['P: BDAT 3 LAST', 'P: x'])
  await turn()
  t.mock.timers.tick(2999)
  await turn()
  await play(joe, ['B: 250 2.0.0 late, but saved'])
  await play(lmtp.client, [SAVED])
})
