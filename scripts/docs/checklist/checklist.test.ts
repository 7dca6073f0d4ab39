import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { FEATURES } from './features.ts'
import { missingProofs } from './print-checklist.ts'
import { missingFields, unknownFields } from './print-fields.ts'
import { fromSource, readTaggedTests } from './test-tags.ts'

const tests = readTaggedTests(join(import.meta.dirname, '..', '..', '..'))

test('every row of the checklist has a test, in every protocol that it concerns', () => {
  assert.deepEqual(missingProofs(tests), [])
})

test('every passdb field has a test, in every protocol in which it is followed', () => {
  assert.deepEqual(missingFields(tests), [])
})

test('tags name rows and fields that there are', () => {
  const rows = new Set(FEATURES.map(({ row }) => row))
  const wrong = tests.flatMap(({ file, rows: named }) =>
    named.filter((row) => !rows.has(row)).map((row) => [file, row]),
  )
  assert.deepEqual(wrong, [])
  assert.deepEqual(unknownFields(tests), [])
})

test('tags are read from the names of tests, and taken out of them', () => {
  // In two halves, so that this file does not look tagged itself.
  const tag = (text: string): string => `[${text}]`
  const source = `test('goes on ${tag('row 4 15')}', () => {})
test(\`\${side} waits ${tag('row 33: imap pop3')}${tag('field delay_until: imap')}\`, run)`
  const plain = { file: 'x', fields: [], protocols: [], rows: [] }
  assert.deepEqual(fromSource('x', source), [
    { ...plain, name: 'goes on', rows: [4, 15] },
    { ...plain, name: '… waits', rows: [33], protocols: ['imap', 'pop3'] },
    { ...plain, name: '… waits', fields: ['delay_until'], protocols: ['imap'] },
  ])
})
