import assert from 'node:assert/strict'
import { test } from 'node:test'
import { locateSection, readSection, type SectionPiece } from './section.ts'
import { summarise } from './summarise.ts'

const message = Buffer.from(
  'Subject: outer\nTo: joe@example.org\nContent-Type: multipart/mixed; boundary=x\n\n' +
    '--x\nContent-Type: text/plain\n\none\n--x\nContent-Type: message/rfc822\n\nSubject: inner\nX: y\n\ntwo\n--x--\n',
)
const { root } = summarise(message)

const rows: ReadonlyArray<readonly [path: readonly number[], of: SectionPiece, sent: string]> = [
  [[], { fields: ['SUBJECT'], not: false }, 'Subject: outer\r\n\r\n'],
  [[], { fields: ['subject', 'content-type'], not: true }, 'To: joe@example.org\r\n\r\n'],
  [[], { fields: ['none'], not: false }, '\r\n'],
  [[1], 'all', 'one'],
  [[1], 'mime', 'Content-Type: text/plain\r\n\r\n'],
  [[1], 'text', ''],
  [[1], 'header', ''],
  [[2], 'all', 'Subject: inner\r\nX: y\r\n\r\ntwo'],
  [[2], 'header', 'Subject: inner\r\nX: y\r\n\r\n'],
  [[2], 'text', 'two'],
  [[2], { fields: ['X'], not: false }, 'X: y\r\n\r\n'],
  [[2, 1], 'all', 'two'],
  [[2, 1], 'mime', 'Subject: inner\r\nX: y\r\n\r\n'],
  [[2, 2], 'all', ''],
  [[3], 'all', ''],
  [[1, 1], 'all', 'one'],
  [[1, 1, 1], 'all', ''],
]

for (const [path, of, sent] of rows) {
  test(`BODY[${path.join('.')}] ${JSON.stringify(of)} sends ${JSON.stringify(sent)}`, () => {
    assert.equal(readSection(message, root, { path, of }).toString(), sent)
  })
}

test('a message that is no multipart is its own part 1', () => {
  const text = Buffer.from('Subject: x\n\nbody\n')
  const simple = summarise(text).root
  assert.equal(readSection(text, simple, { path: [1], of: 'all' }).toString(), 'body\r\n')
  assert.equal(locateSection(simple, { path: [2], of: 'all' }), undefined)
  assert.equal(locateSection(simple, { path: [1, 1], of: 'all' }), undefined)
})

test('a header without end gets one behind named fields only', () => {
  const text = Buffer.from('Subject: x\r')
  const { root: unended } = summarise(text)
  const fields = ['SUBJECT']
  assert.equal(readSection(text, unended, { path: [], of: { fields, not: false } }).toString(), 'Subject: x\r\r\n\r\n')
  assert.equal(readSection(text, unended, { path: [], of: { fields, not: true } }).toString(), '')
})

test('a NUL ends the name of a field, and is sent as 0x80', () => {
  const text = Buffer.from('Subject\0x: y\nTo: z\n\n')
  const sent = readSection(text, summarise(text).root, { path: [], of: { fields: ['SUBJECT'], not: false } })
  assert.equal(sent.toString('latin1'), 'Subject\x80x: y\r\n\r\n')
})
