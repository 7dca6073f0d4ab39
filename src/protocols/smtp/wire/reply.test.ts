import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extensions, formatReply, readReply, REPLY_LINES, SmtpSyntaxError, withoutEnhanced } from './reply.ts'

function reader(...lines: string[]): () => Promise<string> {
  return async () => await Promise.resolve(lines.shift() ?? 'nothing left')
}

test('a reply is read up to its last line', async () => {
  const reply = await readReply(reader('250-2.1.5 first', '250-2.1.5 second', '250 third', '250 another'))
  assert.deepEqual(reply, {
    code: 250,
    enhanced: '2.1.5',
    lines: ['250-2.1.5 first', '250-2.1.5 second', '250 third'],
    texts: ['first', 'second', 'third'],
  })
  assert.deepEqual(withoutEnhanced(reply).texts, ['2.1.5 first', '2.1.5 second', 'third'])
  assert.deepEqual((await readReply(reader('354'))).texts, [''])
})

test('what is no reply is refused', async () => {
  const rows: [lines: string[], why: string][] = [
    [['hello'], 'no code'],
    [['150 x'], 'no code of SMTP'],
    [['2500 x'], 'four digits'],
    [['250-x', '550 y'], 'two codes in one reply'],
    [Array<string>(REPLY_LINES + 1).fill('250-x'), 'it never ends'],
  ]
  for (const [lines, why] of rows) await assert.rejects(readReply(reader(...lines)), SmtpSyntaxError, why)
})

test('the lines of a greeting are its extensions', async () => {
  const reply = await readReply(reader('250-mx', '250-xclient ADDR PORT', '250-', '250 PIPELINING'))
  assert.deepEqual(
    [...extensions(reply)],
    [
      ['XCLIENT', ['ADDR', 'PORT']],
      ['PIPELINING', []],
    ],
  )
})

test('what was formatted is read again', async () => {
  for (const texts of [['one'], ['one', 'two', ''], ['2.0.0 x']]) {
    const lines = formatReply(250, '2.1.0', texts).split('\r\n')
    const reply = await readReply(reader(...lines))
    assert.deepEqual(
      { code: reply.code, enhanced: reply.enhanced, texts: reply.texts },
      { code: 250, enhanced: '2.1.0', texts },
    )
  }
  assert.equal(formatReply(354, undefined, ['OK']), '354 OK\r\n')
})
