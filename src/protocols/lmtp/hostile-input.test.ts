import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { proxied, testLmtp } from '../../../test/support/lmtp-session.ts'
import type { Peer } from '../../../test/support/protocol-session.ts'

/** What clients say, in and out of order, and what nobody should. */
const words = fc.oneof(
  fc.constantFrom(
    'LHLO client.test\r\n',
    'MAIL FROM:<a@b>\r\n',
    'MAIL FROM:<> BODY=8BITMIME SIZE=12\r\n',
    'RCPT TO:<joe@x>\r\n',
    'RCPT TO:<jane@x> ORCPT=rfc822;a XRCPTFORWARD=a+3Db\r\n',
    'RCPT TO:<nobody@x>\r\n',
    'DATA\r\n',
    'Subject: x\r\n\r\nbody\r\n',
    '..dot\r\n',
    '.\r\n',
    '\r\n.\r\n',
    '\n.\n',
    '\r.\r',
    'BDAT 5\r\nabcde',
    'BDAT 3 LAST\r\nabc',
    'BDAT 0 LAST\r\n',
    'BDAT 4\r\n',
    'BDAT x\r\n',
    'XCLIENT ADDR=192.0.2.9 HELO=two+20words SESSION=abc TTL=1\r\n',
    'XCLIENT TTL=0\r\n',
    'STARTTLS\r\n',
    'RSET\r\n',
    'NOOP\r\n',
    'VRFY joe\r\n',
    'QUIT\r\n',
    'RCPT TO:<a\0b@x>\r\n',
    '\xff\xfe\r\n',
    '\r\n',
    '\n',
    ' ',
    'x'.repeat(5000),
  ),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 12 }),
)

/** Answers commands as a backend does, some of them badly, until the connection ends. `heard` gets its answers to messages. */
async function converse(
  peer: Peer,
  mood: readonly string[],
  heard: (answer: string) => void = () => undefined,
): Promise<void> {
  let number = 0
  const answer = (usual: string): string => {
    const said = mood[number++ % Math.max(1, mood.length)] || usual
    peer.send(said)
    return said
  }
  peer.send('220 backend\r\n')
  for (let inData = false; ; ) {
    const line = await peer.line()
    if (line === undefined) return
    if (inData) {
      if (line !== '.') continue
      inData = false
      heard(answer('250 2.0.0 saved\r\n') + answer('250 2.0.0 saved\r\n'))
    } else if (line.startsWith('LHLO')) {
      peer.send('250-backend\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 PIPELINING\r\n')
    } else if (line === 'DATA') {
      inData = true
      peer.send('354 go on\r\n')
    } else answer('250 2.0.0 OK\r\n')
  }
}

const moods = fc.array(
  fc.constantFrom(
    '',
    '',
    '',
    '',
    '450 4.2.1 later\r\n',
    '550-no\r\n550 no\r\n',
    '421 bye\r\n',
    'what?\r\n',
    '250 a\r\n250 b\r\n',
  ),
  { maxLength: 6 },
)

test('whatever a client says and whatever its backends answer, a session ends by itself and without a fault of ours', async (t) => {
  const property = fc.asyncProperty(
    fc.array(words, { maxLength: 25 }),
    moods,
    fc.boolean(),
    async (said, mood, trusted) => {
      const lmtp = testLmtp(t, {
        trusted,
        tlsAvailable: true,
        route: ({ user }) => (user.startsWith('nobody') ? { kind: 'unknown' } : proxied(user, { port: user.length })),
        onBackend: (peer) => void converse(peer, mood),
      })
      for (const text of said) {
        lmtp.client.send(text)
        await turn()
      }
      lmtp.client.end()
      await lmtp.done
      assert.deepEqual(
        lmtp.log.filter((line) => line.includes('BUG')),
        [],
      )
      assert.ok(lmtp.log.some((line) => line.startsWith('info: Disconnect from')))
    },
  )
  await fc.assert(property, { numRuns: 150 })
})

test('nobody is told that mail was saved which no backend has taken', async (t) => {
  const pieces = fc.array(fc.constantFrom('a\r\n', '\n.\n', '.', 'x'), { maxLength: 5 })
  let everSaved = 0
  const property = fc.asyncProperty(moods, pieces, async (mood, body) => {
    let taken = 0
    const lmtp = testLmtp(t, {
      route: ({ user }) => proxied(user),
      onBackend: (peer) =>
        void converse(peer, mood, (answer) => {
          taken += answer.match(/^250 /gm)?.length ?? 0
        }),
    })
    const message = `DATA\r\n${body.join('')}\r\n.\r\n`
    lmtp.client.send(`MAIL FROM:<a@b>\r\nRCPT TO:<joe@x>\r\nRCPT TO:<jane@x>\r\n${message}QUIT\r\n`)
    const heard = lmtp.client.rest()
    await Promise.race([lmtp.done, heard])
    lmtp.client.end()
    await lmtp.done
    const saved = (await heard).split('\r\n').filter((line) => line.endsWith(' Saved')).length
    assert.ok(saved <= taken, `${saved} saved, but the backend said so ${taken} times`)
    everSaved += saved
  })
  await fc.assert(property, { numRuns: 100 })
  assert.ok(everSaved > 10, 'some mail came through')
})
