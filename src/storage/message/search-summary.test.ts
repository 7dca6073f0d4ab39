import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packSummary, unpackSummary } from '../index/summary-codec.ts'
import { MESSAGE_LIMITS } from './limits.ts'
import { searchMessage, type TextKey } from './search-text.ts'
import { summaryQuestion } from './search-summary.ts'
import { summarise } from './summarise.ts'

const HEADERS: readonly (readonly [why: string, header: string])[] = [
  ['ordinary fields', 'From: "Joe User" <joe@example.org>\nTo: jane@example.org\nSubject: Weekly  report\n'],
  ['an encoded word and a fold', 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n   report\n'],
  ['a value that begins in the second line', 'Subject:  \r\n\treport\r\nFrom:\r\n joe@example.org\r\n'],
  ['no such field', 'X-Other: report\n'],
  ['an empty field', 'Subject:\nFrom: \n'],
  ['the same field twice', 'Subject: first\nSubject: report\nFrom: a@example.net\nFrom: joe@example.org\n'],
  ['a field longer than what is kept', `Subject: ${'x'.repeat(MESSAGE_LIMITS.keptFieldBytes)} report\n`],
  [
    'more fields than are read',
    `${'X'.repeat(10)}: y\n${`To: ${'x'.repeat(1_000_000)}\n`.repeat(17)}Subject: report\n`,
  ],
  ['bytes beyond ASCII', 'Subject: caf\u00e9 report\n'],
]

const KEYS: readonly TextKey[] = [
  ...['report', 'REPORT', 'gr\u00fc\u00dfe report', 'CAF\u00c9', 'nowhere', ' report', ''].flatMap(
    (value): TextKey[] => [
      { kind: 'subject', value },
      { kind: 'header', name: 'Subject', value },
      { kind: 'text', value },
    ],
  ),
  ...['joe@', '"joe user" <joe', 'example.org', ''].map(
    (value): TextKey => ({ kind: 'addresses', name: 'FROM', value }),
  ),
  { kind: 'addresses', name: 'bcc', value: 'joe' },
]

for (const [why, header] of HEADERS) {
  test(`a summary says the same of ${why} as the message, or nothing`, () => {
    const message = Buffer.from(`${header}\nbody\n`)
    const summary = unpackSummary(packSummary(summarise(message)))
    assert.ok(summary)
    for (const key of KEYS) {
      const answer: boolean | undefined = summaryQuestion(key)?.(summary)
      const [read] = [...drain(searchMessage(message, [key]))]
      if (answer !== undefined) assert.equal(answer, read, JSON.stringify(key))
    }
  })
}

test('a summary answers what clients ask most, and leaves what it does not know', () => {
  const summary = summarise(Buffer.from('Subject: report\nMessage-ID: <1@example.org>\nFrom: a@b\nFrom: c@d\n\n'))
  const ask = (key: TextKey): boolean | undefined => summaryQuestion(key)?.(summary)
  assert.equal(ask({ kind: 'subject', value: 'Report' }), true)
  assert.equal(ask({ kind: 'header', name: 'Message-ID', value: '<1@example.org>' }), true)
  assert.equal(ask({ kind: 'header', name: 'References', value: '' }), false)
  assert.equal(ask({ kind: 'addresses', name: 'from', value: 'c@d' }), undefined)
  assert.equal(ask({ kind: 'body', value: 'x' }), undefined)
})

test('a summary of more fields than are read leaves what it may have missed', () => {
  const header = `To: ${'x'.repeat(1_000_000)}\n`.repeat(17)
  const summary = summarise(Buffer.from(`${header}Subject: report\n\n`))
  for (const value of ['report', 'x', ''])
    assert.equal(summaryQuestion({ kind: 'subject', value })?.(summary), undefined)
})

function drain(search: ReturnType<typeof searchMessage>): readonly boolean[] {
  for (;;) {
    const step = search.next()
    if (step.done) return step.value
  }
}
