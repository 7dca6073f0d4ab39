import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSection } from '../../src/storage/message/section.ts'
import { summarise } from '../../src/storage/message/summarise.ts'
import { corpus } from './corpus.ts'
import {
  assertSameHeader,
  assertSameInChunks,
  assertSameSearch,
  assertSectionsFit,
  assertTreeFits,
  chunking,
  mutatedMessage,
} from './properties.ts'

/** `node test/fuzz/message.ts` makes many more. */
const RUNS = { numRuns: 300 }

test('whatever the bytes, parts lie inside each other and sizes add up', () => {
  fc.assert(
    fc.property(mutatedMessage(), (message) => assertTreeFits(message, summarise(message))),
    RUNS,
  )
})

test('whatever the bytes, sections have the size they were announced with', () => {
  fc.assert(
    fc.property(mutatedMessage(), (message) => assertSectionsFit(message, summarise(message))),
    RUNS,
  )
})

test('a message in chunks of any size has the summary it has in one', () => {
  fc.assert(fc.property(mutatedMessage(), chunking, assertSameInChunks), RUNS)
})

test('a header alone is summarised as with its message', () => {
  for (const { bytes } of corpus()) for (const length of [100, 8192]) assertSameHeader(bytes, length)
  fc.assert(
    fc.property(mutatedMessage(), fc.nat(8000), (message, length) => assertSameHeader(message, length)),
    RUNS,
  )
})

test('a message in chunks of any size is searched as in one', () => {
  fc.assert(fc.property(mutatedMessage(), chunking, assertSameSearch), RUNS)
})

test('bytes that are no message at all are summarised too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) =>
      assertTreeFits(Buffer.from(bytes), summarise(Buffer.from(bytes))),
    ),
    RUNS,
  )
})

test('a window on a message with a CR alone is right, where Dovecot hangs up', () => {
  const message = Buffer.from('Subject: \ra\nX: \ra\n\nx\n')
  const sent = readSection(message, summarise(message).root, { path: [], of: 'all' }, { offset: 9, size: 1000 })
  assert.equal(sent.toString(), '\ra\r\nX: \ra\r\n\r\nx\r\n')
})
