import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MESSAGE_LIMITS } from './limits.ts'
import { KEPT_FIELDS } from './message-summary.ts'
import { summarise } from './summarise.ts'
import { summariseHeader } from './summarise-header.ts'

const HEADERS: readonly (readonly [why: string, message: string])[] = [
  ['nothing at all', ''],
  ['an ordinary header', 'From: Joe <joe@example.org>\nTo: jane@example.org\nSubject: a\nReceived: x\n\ty\n\nbody\n'],
  ['CRLF', 'Date: Sat, 13 Jan 2024 12:00:00 +0100\r\nSubject: a\r\n  b\r\n\r\nbody\r\n\n'],
  ['no body and no empty line', 'Subject: a\nMessage-ID: <a@b>'],
  ['a CR at the very end', 'Subject: a\r'],
  ['an empty line first', '\nSubject: body\n'],
  ['an empty line with CR first', '\r\nSubject: body\n'],
  ['a continuation first', ' Subject: x\nSubject: a\n\n'],
  ['a name without colon', 'Subject\nTo\n jane@example.org\n\n'],
  ['a name without colon, and CR', 'Subject\r\n a\r\n\r\n'],
  ['white space before the colon', 'Subject \t: a\nFROM :a@b\n\n'],
  ['a NUL in a name', 'Subject\0x: a\nTo\0\n\n'],
  ['names in any case', 'sUBJECT: a\nmessage-id: <a>\nreply-TO: c@d\nIN-reply-to: <b>\n\n'],
  ['characters that look like letters in another case', '\x53UBJECT: a\n\x74O: a@b\n\x54\x0f: c@d\n'],
  ['fields twice', 'Subject: a\nSubject: b\nDate: never\nDate: 13 Jan 2024 12:00:00 +0100\nTo: a@b\nTo: c@d\n\n'],
  [
    'a boundary that is none',
    'Content-Type: multipart/mixed; boundary=x\n--x\nSubject: a\n\n--x\nSubject: b\n\n--x--\n',
  ],
  ['empty fields', 'Subject:\nFrom: \nTo:\n \nCc:\r\n\n'],
]

for (const [why, text] of HEADERS) {
  test(`a header with ${why} says the same alone`, () => {
    const message = Buffer.from(text, 'latin1')
    const alone = summariseHeader(message, true)
    const whole = summarise(message)
    assert.equal(alone?.envelope, whole.envelope)
    assert.deepEqual(alone.dateSent, whole.dateSent)
    for (const name of KEPT_FIELDS) assert.equal(alone.field(name), whole.field(name))
    assert.equal(alone.partialFields, whole.partialFields)
  })
}

test('of a header that goes on nothing is said', () => {
  const message = Buffer.from('Subject: a\nTo: b@c\n d\n\nbody')
  const end = message.indexOf('\n\n') + 2
  for (let length = 0; length < end; length++)
    assert.equal(summariseHeader(message.subarray(0, length), false), undefined)
  assert.ok(summariseHeader(message.subarray(0, end), false))
})

test('a header that is too long is left to who reads the message', () => {
  const field = `X-Long: ${'x'.repeat(1000)}\n`
  const count = Math.floor(MESSAGE_LIMITS.headerBytes / field.length)
  assert.ok(summariseHeader(Buffer.from(`${field.repeat(count)}\n`), true))
  assert.equal(summariseHeader(Buffer.from(`${field.repeat(count + 1)}\n`), true), undefined)
})
