import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { maildirPlace, TestMailbox } from '../../../../test/maildir/place.ts'
import type { StoredMessage } from '../../store.ts'
import { unpacked } from './compressed.ts'

function stored(bytes: Buffer): StoredMessage & { closed: boolean } {
  return {
    sizeBytes: bytes.length,
    closed: false,
    read: (from, to) => bytes.subarray(from, to),
    close() {
      this.closed = true
    },
  }
}

async function textOf(message: StoredMessage): Promise<string> {
  const parts: Buffer[] = []
  for (let at = 0; at < message.sizeBytes; at += 1024 * 1024)
    parts.push(await message.read(at, Math.min(message.sizeBytes, at + 1024 * 1024)))
  return Buffer.concat(parts).toString('latin1')
}

test('messages are unpacked, whatever their size, and others stay as they are', async () => {
  const small = Buffer.from('Subject: x\n\nbody\n')
  const large = Buffer.from(`Subject: x\n\n${'body and more\n'.repeat(300_000)}`)
  for (const [why, bytes, text] of [
    ['as it is', small, small],
    ['gzip', gzipSync(small), small],
    ['Zstandard', zstdCompressSync(small), small],
    ['large, gzip', gzipSync(large), large],
    ['large, Zstandard', zstdCompressSync(large), large],
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
    ['gzip in two parts', Buffer.concat([gzipSync(small), gzipSync(small)]), Buffer.concat([small, small])],
  ] as const) {
    const file = stored(bytes)
    const message = await unpacked(file, text.length)
    assert.equal(await textOf(message), text.toString('latin1'), why)
    assert.equal(message.sizeBytes, text.length, why)
    message.close()
    assert.ok(file.closed, why)
  }
})

test('a file whose name tells no size is unpacked', async () => {
  const text = `Subject: x\n\n${'body\n'.repeat(1_000_000)}`
  assert.equal(await textOf(await unpacked(stored(gzipSync(text)), undefined)), text)
})

test('what somebody sent compressed, or claims to be, stays as it is', async () => {
  const small = Buffer.from('Subject: x\n\nbody\n')
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  for (const [why, bytes, expectedBytes] of [
    ['it is endless, and its name tells no size', gzipSync(Buffer.alloc(65 * 1024 * 1024)), undefined],
    ['it is broken, and its name tells no size', gzipSync(small).subarray(0, 20), undefined],
    ['it is shorter than it should be', gzipSync(small), small.length + 10],
    ['it is longer', gzipSync(small), small.length - 1],
    ['it is endless', bomb, bomb.length],
    ['it is endless, with Zstandard', zstdCompressSync(Buffer.alloc(20_000_000)), 2_000_000],
    ['it is too large', gzipSync(small), 1e12],
    ['it is broken', gzipSync(small).subarray(0, 20), small.length],
    ['it is broken, with Zstandard', zstdCompressSync(small).subarray(0, 12), small.length],
    ['it only begins so', Buffer.from([0x1f, 0x8b, 0x41, 0x42]), 4],
  ] as const) {
    const file = stored(bytes)
    const message = await unpacked(file, expectedBytes)
    assert.equal(await textOf(message), bytes.toString('latin1'), why)
    assert.ok(!file.closed, why)
  }
})

test('with the plugin zlib compressed messages of a Maildir are read, and copied as they are', async (t) => {
  const place = maildirPlace(t, { settings: { mail_plugins: ['zlib'] } })
  const text = `Subject: packed\n\n${'body\n'.repeat(1000)}`
  await (await TestMailbox.open(place.store)).format.close()
  const packed = gzipSync(text)
  writeFileSync(join(place.root, 'cur', `1800000000.M1P1.host,S=${text.length}:2,S`), packed)
  const box = await TestMailbox.open(place.store)
  await box.sync()
  const message = await box.format.openMessage(box.record(1))
  assert.equal(await textOf(message), text)
  message.close()
  assert.equal(box.format.readHead, undefined)
  await place.store.create('Copy', {})
  const copy = await TestMailbox.open(place.store, 'Copy')
  const appending = await copy.format.beginAppend()
  assert.equal(await appending.link(box.format, box.record(1), { bits: 0, keywords: [] }), true)
  await appending.commit()
  const { mail } = place.store.directories('Copy')
  const files = ['cur', 'new'].flatMap((name) => readdirSync(join(mail, name)).map((file) => join(mail, name, file)))
  assert.deepEqual(
    files.map((file) => readFileSync(file)),
    [packed],
  )
  for (const { format } of [box, copy]) await format.close()
})
