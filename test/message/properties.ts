import assert from 'node:assert/strict'
import fc from 'fast-check'
import { packSummary, unpackSummary } from '../../src/storage/index/summary-codec.ts'
import type { MessagePart } from '../../src/storage/message/message-part.ts'
import { type HeaderSummary, KEPT_FIELDS, type MessageSummary } from '../../src/storage/message/message-summary.ts'
import { MESSAGE_LIMITS } from '../../src/storage/message/limits.ts'
import { MessageSearch, type TextKey } from '../../src/storage/message/search-text.ts'
import { locateSection, readSection } from '../../src/storage/message/section.ts'
import { Summariser, summarise } from '../../src/storage/message/summarise.ts'
import { summariseHeader } from '../../src/storage/message/summarise-header.ts'
import { corpus } from './corpus.ts'
import { sectionsOf } from './sections.ts'

/** Messages small enough to be mutated often. */
const MAX_BYTES = 8000

/** Bytes the grammar treats specially. */
const SPECIAL = Buffer.from('\r\n\n\n -=?:;"\\()<>@,.*%\'/[]\0\t\xff\xc3x', 'latin1')

const byte = fc.oneof(fc.constantFrom(...SPECIAL), fc.integer({ min: 0, max: 255 }))

interface Edit {
  readonly at: number
  readonly remove: number
  readonly insert: readonly number[]
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }), fc.constant(100)),
  insert: fc.array(byte, { maxLength: 4 }),
})

/** Messages of the corpus with some bytes changed. */
export function mutatedMessage(): fc.Arbitrary<Buffer> {
  const seeds = corpus().filter(({ bytes }) => bytes.length <= MAX_BYTES)
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 5 }))
    .map(([{ bytes }, edits]) => edits.reduce(apply, bytes))
}

function apply(bytes: Buffer, { at, remove, insert }: Edit): Buffer {
  const from = Math.floor(at * bytes.length)
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(insert), bytes.subarray(from + remove)])
}

/** Lengths of the chunks in which a message arrives, over and over. */
export const chunking: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 400 })),
  {
    minLength: 1,
    maxLength: 6,
  },
)

/** A message in such chunks, in memory that is overwritten after each. */
export function* chunksOf(message: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let from = 0, turn = 0; from < message.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    const chunk = Buffer.from(message.subarray(from, from + length))
    yield chunk
    chunk.fill(0x2d)
    from += length
  }
}

/** Every part lies inside the one around it, behind its sisters, and sizes add up. */
export function assertTreeFits(message: Buffer, summary: MessageSummary): void {
  assert.equal(summary.sizePhysical, message.length)
  assert.equal(summary.sizeVirtual, message.length + bareLineFeeds(message))
  assertPartFits(summary.root, 0, message.length)
}

function assertPartFits(part: MessagePart, from: number, to: number): void {
  const bodyStart = part.start + part.header.physical
  const end = bodyStart + part.body.physical
  assert.ok(part.start >= from && end <= to, `part at ${part.start}..${end} in ${from}..${to}`)
  assert.ok(part.header.virtual >= part.header.physical && part.body.virtual >= part.body.physical)
  assert.ok(part.header.lines >= 0 && part.body.lines >= 0)
  let next = bodyStart
  for (const child of part.children) {
    assertPartFits(child, next, end)
    next = child.start + child.header.physical + child.body.physical
  }
}

function bareLineFeeds(message: Buffer): number {
  return message.toString('latin1').match(/(?<!\r)\n/g)?.length ?? 0
}

/** Everything the bytes sent for a section promise: sizes as told, windows being windows. */
export function assertSectionsFit(message: Buffer, summary: MessageSummary): void {
  for (const { request, window, named } of sectionsOf(message, summary.root)) {
    const span = locateSection(summary.root, request)
    const whole = readSection(message, summary.root, request)
    if (span?.kind === 'bytes') assert.equal(whole.length, span.virtual, named)
    if (window === undefined) continue
    const piece = readSection(message, summary.root, request, window)
    assert.deepEqual(piece, whole.subarray(window.offset, window.offset + window.size), named)
  }
}

/** Summaries of a message whole, in chunks, and from a cache are one. */
export function assertSameInChunks(message: Buffer, lengths: readonly number[]): void {
  const summariser = new Summariser()
  for (const chunk of chunksOf(message, lengths)) summariser.push(chunk)
  const summary = summarise(message)
  const packed = packSummary(summary)
  assert.deepEqual(packSummary(summariser.finish()), packed)
  const unpacked = unpackSummary(packed)
  assert.ok(unpacked)
  assert.deepEqual(packSummary(unpacked), packed)
}

/** What is said of a header alone is said of the message, from however many of its first bytes. */
export function assertSameHeader(message: Buffer, length: number): void {
  const whole = summarise(message)
  const asked = [summariseHeader(message, true), summariseHeader(message.subarray(0, length), false)] as const
  assert.equal(asked[0] === undefined, whole.root.header.physical > MESSAGE_LIMITS.headerBytes)
  for (const header of asked) {
    if (header === undefined) continue
    const unpacked = unpackSummary(packSummary(header))
    assert.ok(unpacked)
    for (const one of [header, unpacked]) assert.deepEqual(headerFacts(one), headerFacts(whole))
  }
}

function headerFacts(summary: HeaderSummary): unknown {
  const { envelope, dateSent, partialFields } = summary
  return { envelope, dateSent, partialFields, fields: KEPT_FIELDS.map((name) => summary.field(name)) }
}

const KEYS: readonly TextKey[] = [
  { kind: 'text', value: 'needle' },
  { kind: 'text', value: 'e' },
  { kind: 'text', value: 'two\r\n' },
  { kind: 'body', value: 'needle' },
  { kind: 'body', value: 'grüße' },
  { kind: 'body', value: 'body' },
  { kind: 'subject', value: 'hello' },
  { kind: 'addresses', name: 'From', value: 'joe' },
  { kind: 'header', name: 'To', value: '' },
]

/** A search finds the same in a message whole and in chunks. */
export function assertSameSearch(message: Buffer, lengths: readonly number[]): void {
  const whole = new MessageSearch(KEYS)
  whole.push(message)
  const inChunks = new MessageSearch(KEYS)
  for (const chunk of chunksOf(message, lengths)) inChunks.push(chunk)
  assert.deepEqual(inChunks.finish(), whole.finish())
}
