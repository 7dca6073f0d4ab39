import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_ENVELOPE, Envelope, isEnvelopeField } from './envelope.ts'

test('a message without header has an envelope of NILs', () => {
  assert.equal(EMPTY_ENVELOPE, '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)')
})

test('of texts the last field counts, of addresses all do', () => {
  const envelope = new Envelope()
  for (const [name, raw] of [
    ['subject', ' one'],
    ['subject', ' two'],
    ['to', ' a@b'],
    ['to', ' c@d'],
  ] as const)
    envelope.take(name, raw)
  assert.equal(envelope.format(), '(NIL "two" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)')
})

test('Sender and Reply-To are From where they are missing or empty', () => {
  const envelope = new Envelope()
  envelope.take('from', ' a@b')
  envelope.take('sender', ' ')
  envelope.take('reply-to', ' c@d')
  assert.equal(
    envelope.format(),
    '(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) NIL NIL NIL NIL NIL)',
  )
})

test('a NUL in a text becomes U+FFFD', () => {
  const envelope = new Envelope()
  envelope.take('message-id', ' a\0b')
  assert.equal(
    Buffer.from(envelope.format(), 'latin1').toString(),
    '(NIL NIL NIL NIL NIL NIL NIL NIL NIL {5}\r\na\ufffdb)',
  )
})

test('ten fields make an envelope', () => {
  const names = 'date subject from sender reply-to to cc bcc in-reply-to message-id'.split(' ')
  assert.ok(names.every(isEnvelopeField))
  assert.equal(isEnvelopeField('received'), false)
})
