import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MESSAGE_LIMITS } from './limits.ts'
import type { MessagePart } from './message-part.ts'
import type { ReadField } from './field-reader.ts'
import { type MimeEvents, MimeParser } from './mime.ts'

const SILENT: MimeEvents = { wants: () => false, field: () => undefined }

function parse(text: string, events = SILENT): MessagePart {
  const parser = new MimeParser(events)
  parser.push(Buffer.from(text, 'latin1'))
  return parser.finish()
}

/** `multipart(text message(text))`. */
function shape({ kind, children }: MessagePart): string {
  return children.length === 0 ? kind : `${kind}(${children.map(shape).join(' ')})`
}

function fieldsOf(text: string): ReadField[] {
  const fields: ReadField[] = []
  parse(text, { wants: () => true, field: (_, field) => fields.push(field) })
  return fields
}

const MIXED = 'Content-Type: multipart/mixed; boundary=x\n\n'

const rows: ReadonlyArray<readonly [why: string, text: string, shape: string]> = [
  ['no header', '\nbody', 'text'],
  ['nothing', '', 'text'],
  ['a type nobody looks into', 'Content-Type: image/png\n\nx', 'other'],
  ['two parts', `${MIXED}--x\n\na\n--x\nContent-Type: image/png\n\nb\n--x--\n`, 'multipart(text other)'],
  ['no final boundary', `${MIXED}--x\n\na`, 'multipart(text)'],
  ['the final boundary without parts', `${MIXED}--x--\n--x\n\na`, 'multipart'],
  ['a boundary inside a header', `${MIXED}--x\nA: b\n--x\n\nc\n--x--\n`, 'multipart(text text)'],
  ['a message', 'Content-Type: message/rfc822\n\nSubject: x\n\ny', 'message(text)'],
  ['a digest', 'Content-Type: multipart/digest; boundary=x\n\n--x\n\nA: b\n\nc\n--x--\n', 'multipart(message(text))'],
  [
    'an inner boundary that is a prefix of the outer',
    `Content-Type: multipart/mixed; boundary=xy\n\n--xy\n${MIXED}--x\n\na\n--x--\n--xy\n\nb\n--xy--\n`,
    'multipart(multipart(text) text)',
  ],
]

for (const [why, text, expected] of rows) {
  test(`${why} makes ${expected}`, () => assert.equal(shape(parse(text)), expected))
}

test('offsets and sizes are those of the stored bytes', () => {
  const text = `A: b\r\n${MIXED}--x\nC: d\n\none\ntwo\r\n--x--\n`
  const root = parse(text)
  const [part] = root.children
  assert.ok(part)
  assert.equal(text.slice(part.start, part.start + part.header.physical), 'C: d\n\n')
  const bodyStart = part.start + part.header.physical
  assert.equal(text.slice(bodyStart, bodyStart + part.body.physical), 'one\ntwo')
  assert.deepEqual({ ...part.body }, { physical: 7, virtual: 8, lines: 1 })
  assert.deepEqual({ ...part.header }, { physical: 6, virtual: 8, lines: 2 })
})

test('fields come with what folds them', () => {
  assert.deepEqual(fieldsOf('A : b\r\n c\nno colon\nD:'), [
    { name: 'a', colon: ' :', raw: ' b\r\n c', terminated: true },
    { name: 'no colon', colon: '', raw: '', terminated: true },
    { name: 'd', colon: ':', raw: '', terminated: false },
  ])
})

test('a huge field is kept up to a limit, and counted whole', () => {
  const size = MESSAGE_LIMITS.fieldBytes * 2
  const [field] = fieldsOf(`A: ${'x'.repeat(size)}\nB: c\n`)
  assert.equal(field?.raw.length, MESSAGE_LIMITS.fieldBytes)
  assert.equal(parse(`A: ${'x'.repeat(size)}\nB: c\n`).header.physical, size + 9)
})

test('many empty folds cost no more than their bytes', () => {
  const [field] = fieldsOf(`A: b\n${' \n'.repeat(MESSAGE_LIMITS.fieldBytes)}`)
  assert.ok((field?.raw.length ?? 0) <= MESSAGE_LIMITS.fieldBytes + 2)
})

test('multiparts are looked into as deep as Dovecot does', () => {
  const levels = MESSAGE_LIMITS.nestedParts + 20
  const open = Array.from(
    { length: levels },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}.\n\n--b${at}.\n`,
  )
  const deep = shape(parse(`${open.join('')}\nbottom`))
  assert.equal(deep.split('multipart').length, MESSAGE_LIMITS.nestedParts)
  assert.ok(deep.includes('multipart(other)'))
})

test('messages in messages are looked into as deep as Dovecot does', () => {
  const deep = shape(parse('Content-Type: message/rfc822\n\n'.repeat(MESSAGE_LIMITS.nestedParts + 20)))
  assert.equal(deep.split('message').length, MESSAGE_LIMITS.nestedParts)
})

test('a message has a limited number of parts', () => {
  const { children, body } = parse(`${MIXED}${'--x\n\na\n'.repeat(MESSAGE_LIMITS.parts + 500)}--x--\n`)
  assert.equal(children.length, MESSAGE_LIMITS.parts - 1)
  assert.equal(body.physical, 7 * (MESSAGE_LIMITS.parts + 500) + 6)
})

test('a boundary counts as far as Dovecot reads it', () => {
  const long = 'b'.repeat(MESSAGE_LIMITS.boundaryBytes + 20)
  const type = `Content-Type: multipart/mixed; boundary=${long}\n\n`
  assert.equal(parse(`${type}--${long.slice(20)}\n\na\n`).children.length, 1)
  assert.equal(parse(`${type}--${long.slice(21)}\n\na\n`).children.length, 0)
})
