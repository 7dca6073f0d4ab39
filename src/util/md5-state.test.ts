import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { md5Resume, md5StateAfter } from './md5-state.ts'

test('resuming after one block gives the digest of the whole message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 300 }), (bytes) => {
      const message = Buffer.from(bytes)
      const expected = createHash('md5').update(message).digest()
      assert.deepEqual(md5Resume(md5StateAfter(message.subarray(0, 64)), message.subarray(64)), expected)
    }),
  )
})
