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
    const message = await unpacked(file)
    assert.equal(await textOf(message), text.toString('latin1'), why)
    assert.equal(message.sizeBytes, text.length, why)
    message.close()
    assert.ok(file.closed, why)
  }
})

test('a file that is broken, or stands for too much, cannot be read', async () => {
  const broken = stored(gzipSync(Buffer.from('Subject: x\n\nbody\n')).subarray(0, 20))
  await assert.rejects(async () => await unpacked(broken), { code: 'Z_BUF_ERROR' })
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
