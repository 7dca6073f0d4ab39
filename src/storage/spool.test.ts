import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Spool } from './spool.ts'

test('what is written comes back, little of it and much', async () => {
  for (const sizes of [[], [1, 2, 3], [600_000, 600_000, 1, 300_000], [3_000_000]]) {
    const spool = new Spool()
    const written: Buffer[] = []
    for (const [at, size] of sizes.entries()) {
      const chunk = Buffer.alloc(size, at + 1)
      written.push(Buffer.from(chunk))
      await spool.write(chunk)
      // Whoever wrote it may use it again.
      chunk.fill(0)
    }
    const read: Buffer[] = []
    for await (const chunk of spool.read()) read.push(chunk)
    await spool.close()
    assert.ok(Buffer.concat(read).equals(Buffer.concat(written)))
    assert.equal(spool.sizeBytes, Buffer.concat(written).length)
  }
})
