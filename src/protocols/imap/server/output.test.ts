import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteStream } from '../../../net/byte-stream.ts'
import { Output } from './output.ts'
import { SLAB_BYTES } from './slab.ts'

/** Keeps what is written as a socket does: by reference, until the kernel has it. */
function fakeStream(queuedBytes: number | undefined) {
  const written: (string | Uint8Array)[] = []
  const stream = { queuedBytes, write: (data: string | Uint8Array) => void written.push(data) }
  const all = (): string =>
    written.map((data) => (typeof data === 'string' ? data : Buffer.from(data).toString('latin1'))).join('')
  return { output: new Output(stream as unknown as ByteStream), written, all }
}

test('text, copies and bytes leave in the order they were said', () => {
  const { output, written, all } = fakeStream(0)
  const changing = Buffer.from('two ')
  output.text('one ')
  output.copied(changing)
  changing.fill('x')
  output.text('three ')
  output.bytes(Buffer.from('four '))
  output.copied(Buffer.from('five '))
  output.text('six\r\n')
  output.flush()
  assert.equal(all(), 'one two three four five six\r\n')
  assert.equal(written.length, 1, 'one write')
  output.flush()
  output.text('alone')
  output.flush()
  assert.equal(all(), 'one two three four five six\r\nalone')
})

test('what a stream still reads from is not overwritten', () => {
  for (const queuedBytes of [7, undefined]) {
    const { output, all } = fakeStream(queuedBytes)
    for (const text of ['first\r\n', 'again\r\n', 'third\r\n']) {
      output.copied(Buffer.from(text))
      output.flush()
    }
    assert.equal(all(), 'first\r\nagain\r\nthird\r\n')
  }
})

test('more than a slab holds leaves in several writes, and large pieces by themselves', () => {
  const { output, all } = fakeStream(7)
  const pieces = Array.from({ length: 12 }, (_, at) => Buffer.alloc(SLAB_BYTES / 8 + at, 0x61 + at))
  const large = Buffer.alloc(SLAB_BYTES, 0x7a)
  for (const piece of pieces) output.copied(piece)
  output.copied(large)
  assert.ok(output.full)
  output.flush()
  assert.equal(all(), Buffer.concat([...pieces, large]).toString('latin1'))
})
