import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { maildirPlace, TestMailbox } from '../../../../test/maildir/place.ts'

test('sizes in names of files count, unless they are said to be broken', async (t) => {
  for (const [isBroken, expected] of [
    [false, [3, 4]],
    [true, [undefined, undefined]],
  ] as const) {
    const place = maildirPlace(t, { settings: { maildir_broken_filename_sizes: isBroken } })
    for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(place.root, name), { recursive: true })
    writeFileSync(join(place.root, 'cur', '1800000000.M1P1.host,S=3,W=4:2,'), 'Subject: x\n\nbody\n')
    const opened = await TestMailbox.open(place.store)
    await opened.sync()
    const [record] = opened.records.values()
    assert.ok(record !== undefined)
    const { format } = opened
    assert.deepEqual([format.storedSizeOf(record), format.sizeOf(record)], expected)
    await format.close()
  }
})
