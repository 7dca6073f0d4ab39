import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import test from 'node:test'
import { TLSSocket } from 'node:tls'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { socketPair } from '../../test/support/socket-pair.ts'
import { tlsSettings } from '../../test/support/tls-settings.ts'
import { SocketStream } from './socket-stream.ts'
import type { Tap } from './tap.ts'
import { startTlsClient } from './tls.ts'
import { TlsContextCache } from './tls-cache.ts'

const { key, cert } = await makeCertificate(await makeAuthority(), { names: ['127.0.0.1'] })

function recorder(): { tap: Tap; heard: () => string; said: () => string; closed: Promise<void> } {
  const heard: Uint8Array[] = []
  const said: Uint8Array[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const tap = {
    read: (bytes: Uint8Array) => void heard.push(bytes),
    written: (bytes: Uint8Array) => void said.push(bytes),
    close: resolve,
  }
  const text = (parts: Uint8Array[]) => (): string => Buffer.concat(parts).toString('latin1')
  return { tap, heard: text(heard), said: text(said), closed: promise }
}

test('a tap sees what passes in clear, then behind STARTTLS, and after the stream let go', async (t) => {
  const { near, far } = await socketPair(t)
  const { tap, heard, said, closed } = recorder()
  const stream = new SocketStream(near)
  stream.tap(tap)
  far.write('* OK\r\n')
  assert.equal(await stream.readLine(100), '* OK')
  stream.write('S STARTTLS\r\n')
  const [command] = (await once(far, 'data')) as [Buffer]
  assert.equal(command.toString(), 'S STARTTLS\r\n')
  const server = new TLSSocket(far, { isServer: true, key, cert })
  server.on('error', () => undefined)
  const context = new TlsContextCache(randomBytes(48)).client(tlsSettings({}))
  await startTlsClient(stream, { context, host: '127.0.0.1', verify: false })
  server.write('in TLS\r\n')
  assert.equal(await stream.readLine(100), 'in TLS')
  const { socket } = stream.detach()
  socket.resume()
  socket.write('bytes \xff', 'latin1')
  await once(server, 'data')
  assert.equal(heard(), '* OK\r\nin TLS\r\n')
  assert.equal(said(), 'S STARTTLS\r\nbytes \xff')
  socket.destroy()
  await closed
})
