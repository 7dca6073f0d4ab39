import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MESSAGE_LIMITS } from './limits.ts'
import { Summariser, summarise } from './summarise.ts'

const message = Buffer.from(
  'Date: Sat, 13 Jan 2024 12:00:00 +0100\nSubject: one\nSubject: two\nFrom: Joe <joe@example.org>\nTo: jane@example.org\n' +
    'Message-ID: <m@example.org>\nContent-Type: multipart/alternative; boundary=x\nContent-Language: en\n\n' +
    '--x\n\none\ntwo\n--x\nContent-Type: application/pdf; name="a.pdf"\nContent-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64\n\nAAAA\n--x--\n',
)

test('a summary has everything FETCH and SORT ask for', () => {
  const summary = summarise(message)
  assert.equal(summary.sizePhysical, message.length)
  assert.equal(summary.sizeVirtual, message.length + message.toString().split('\n').length - 1)
  assert.equal(
    summary.envelope,
    '("Sat, 13 Jan 2024 12:00:00 +0100" "two" (("Joe" NIL "joe" "example.org")) (("Joe" NIL "joe" "example.org")) (("Joe" NIL "joe" "example.org")) ((NIL NIL "jane" "example.org")) NIL NIL NIL "<m@example.org>")',
  )
  assert.equal(
    summary.bodyStructure,
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1 NIL NIL NIL NIL)("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4 NIL ("attachment" ("filename" "a.pdf")) NIL NIL) "alternative" ("boundary" "x") NIL ("en") NIL)',
  )
  assert.equal(
    summary.body,
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1)("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4) "alternative")',
  )
  assert.deepEqual(summary.dateSent, { seconds: Date.UTC(2024, 0, 13, 11) / 1000, offsetMinutes: 60 })
  assert.equal(summary.field('subject'), 'one')
  assert.equal(summary.field('references'), undefined)
})

test('kept fields and fields altogether are limited', () => {
  const long = summarise(Buffer.from(`Subject: ${'x'.repeat(MESSAGE_LIMITS.keptFieldBytes * 2)}\n\n`))
  assert.equal(long.field('subject')?.length, MESSAGE_LIMITS.keptFieldBytes)
  const summariser = new Summariser()
  for (let sent = 0; sent < MESSAGE_LIMITS.summaryFieldBytes * 1.2; sent += 1_000_000)
    summariser.push(Buffer.from(`Cc: ${'y'.repeat(999_990)}\n`))
  summariser.push(Buffer.from('Subject: late\n\n'))
  assert.ok(!summariser.finish().envelope.includes('late'))
})

test('an envelope has a limited number of addresses', () => {
  const many = summarise(Buffer.from(`To: ${'a@b,'.repeat(9999)}a@b\n`.repeat(5)))
  assert.ok(many.envelope.length < MESSAGE_LIMITS.addresses * 2 * 20)
})
