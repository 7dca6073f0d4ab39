import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageSearch, searchMessage, type TextKey } from './search-text.ts'

const message = Buffer.from(
  'From: "Joe User" <joe@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n   folded\nContent-Type: multipart/mixed; boundary=x\n\n' +
    'preamble\n--x\nX-Part: mime field\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9 nee=\ndle\n' +
    '--x\nContent-Type: image/png\n\npicture\n--x--\nepilogue\n',
)

const rows: ReadonlyArray<readonly [key: TextKey, found: boolean]> = [
  [{ kind: 'body', value: 'CAFÉ needle' }, true],
  [{ kind: 'body', value: 'preamble' }, false],
  [{ kind: 'body', value: 'picture' }, false],
  [{ kind: 'body', value: 'epilogue' }, false],
  [{ kind: 'body', value: 'mime field' }, false],
  [{ kind: 'body', value: '' }, true],
  [{ kind: 'text', value: 'mime field' }, true],
  [{ kind: 'text', value: 'subject: grüße' }, true],
  [{ kind: 'text', value: 'grüße' }, true],
  [{ kind: 'subject', value: 'GRÜßE folded' }, true],
  [{ kind: 'header', name: 'Subject', value: 'grüße folded' }, false],
  [{ kind: 'addresses', name: 'FROM', value: '"joe user" <joe@' }, true],
  [{ kind: 'addresses', name: 'To', value: '' }, false],
  [{ kind: 'header', name: 'From', value: '' }, true],
]

for (const [key, found] of rows) {
  test(`${JSON.stringify(key)} is ${found ? '' : 'not '}found`, () => {
    const search = new MessageSearch([key])
    search.push(message)
    assert.deepEqual(search.finish(), [found])
  })
}

test('a search for fields is decided when the header was read', () => {
  const search = new MessageSearch([{ kind: 'subject', value: 'nowhere' }])
  assert.equal(search.decided, false)
  search.push(Buffer.from('Subject: x\n\nbody'))
  assert.equal(search.decided, true)
})

test('a search in a large message lets others have their turn', () => {
  const large = Buffer.concat([
    Buffer.from('Subject: x\n\n'),
    Buffer.alloc(1_000_000, 'some words '),
    Buffer.from('needle'),
  ])
  const search = searchMessage(large, [{ kind: 'body', value: 'needle' }])
  let turns = 0
  let step = search.next()
  for (; step.done !== true; step = search.next()) turns++
  assert.deepEqual(step.value, [true])
  assert.ok(turns >= 15)
})

test('a search that has found everything reads no further', () => {
  const large = Buffer.concat([Buffer.from('Subject: needle\n\n'), Buffer.alloc(1_000_000, 'x')])
  assert.deepEqual(searchMessage(large, [{ kind: 'text', value: 'needle' }]).next(), { done: true, value: [true] })
  assert.deepEqual(searchMessage(large, [{ kind: 'subject', value: 'no' }]).next(), { done: true, value: [false] })
})

test('a header line without colon is text like any other, also beyond ASCII', () => {
  const search = new MessageSearch([{ kind: 'text', value: 'ÄÖ' }])
  search.push(Buffer.from('äöü\n'))
  assert.deepEqual(search.finish(), [true])
})
