import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { constants, createInflateRaw, deflateRawSync } from 'node:zlib'
import { streamAndPeer } from '../../test/support/protocol-session.ts'
import { deflateStream } from './deflate-stream.ts'

const SYNC = { finishFlush: constants.Z_SYNC_FLUSH }

function compressed(text: string): string {
  return deflateRawSync(Buffer.from(text, 'latin1'), SYNC).toString('latin1')
}

test('lines come out as they were before they were compressed, however they are cut', async () => {
  const { stream, peer } = streamAndPeer()
  const inflated = deflateStream(stream)
  await peer.sendByteByByte(compressed('a NOOP\r\nb LOGOUT\r\n'))
  assert.equal(await inflated.readLine(100), 'a NOOP')
  assert.equal(await inflated.readLine(100), 'b LOGOUT')
  peer.end()
  assert.equal(await inflated.readLine(100), undefined)
  inflated.destroy()
})

test('what is written reaches the peer at once, and all of it when the stream closes', async () => {
  const { stream, peer } = streamAndPeer()
  const inflated = deflateStream(stream)
  const heard: string[] = []
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH }).on('data', (chunk: Buffer) =>
    heard.push(chunk.toString()),
  )
  inflated.write('* OK hello\r\n')
  inflated.write('* BYE\r\n')
  peer.end()
  await inflated.close()
  await peer.rest()
  for (const bytes of peer.writes) inflate.write(Buffer.from(bytes, 'latin1'))
  inflate.end()
  await once(inflate, 'end')
  assert.equal(heard.join(''), '* OK hello\r\n* BYE\r\n')
})

test('a few bytes that stand for many are unpacked only as they are taken', async () => {
  const { stream, peer } = streamAndPeer()
  const inflated = deflateStream(stream)
  peer.send(compressed('x'.repeat(64 << 20)))
  assert.equal((await inflated.readSome(10))?.length, 10)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(inflated.buffered < 1 << 20, `${inflated.buffered} bytes are held`)
  inflated.destroy()
})

test('what was never compressed ends the stream', async () => {
  const { stream, peer } = streamAndPeer()
  const inflated = deflateStream(stream)
  peer.send('\xff\xff\xff\xff this is no DEFLATE stream')
  await assert.rejects(async () => await inflated.readLine(100))
  inflated.destroy()
})
