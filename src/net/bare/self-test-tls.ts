import { createSecureContext, type SecureContext } from 'node:tls'
import { codeOf } from '../fault-text.ts'
import type { BareTls } from './bare-tls.ts'
import { End, expect, sayGoodbye } from './self-test-end.ts'

/** Needs no certificate, and proves nobody: for a test alone. */
const CIPHER = 'AECDH-AES128-SHA'
const MUCH_BYTES = 4 * 1024 * 1024

/** Both ends of a new connection. */
type Connected = () => Promise<[End, End]>
type Ends = readonly [End<BareTls>, End<BareTls>]

/** Tries all that is relied upon of TLS over a bare socket. Rejects with what does not hold. */
export async function testBareTls(connected: Connected): Promise<void> {
  await wordsAndMuchMore(await secured(connected))
  await destroyedWhileItWrites(await secured(connected))
  await peerThatIsGone(await secured(connected))
  await noise(connected)
  await resetByPeer(connected)
}

async function secured(connected: Connected): Promise<Ends> {
  const secureContext = context()
  const [plainFar, plainNear] = await connected()
  const far = plainFar.socket.toTls({ secureContext, asksCertificate: true, byServerName: () => secureContext })
  const near = plainNear.socket.toTls({ secureContext, servername: 'self-test' })
  const ready = [far, near].map((tls) => new Promise<void>((resolve) => (tls.onSecure = resolve)))
  for (const tls of [far, near]) tls.begin()
  await Promise.all(ready)
  expect(
    'both ends name the cipher',
    [far, near].every((tls) => tls.getCipher().name === CIPHER),
  )
  expect('the name was heard', far.servername === 'self-test')
  expect('nobody has shown a certificate', far.getPeerX509Certificate() === undefined)
  const [one, other] = [far, near].map((tls) => tls.exportKeyingMaterial(32, 'EXPORTER-self-test', Buffer.alloc(0)))
  expect('both ends know the same secret', one !== undefined && other !== undefined && one.equals(other))
  return [new End(far), new End(near)]
}

async function wordsAndMuchMore([far, near]: Ends): Promise<void> {
  near.socket.write('caf\xe9\r\n')
  near.socket.write(Buffer.from('more'))
  await far.heard(10)
  expect('text and bytes arrive over TLS', far.text === 'caf\xe9\r\nmore')
  far.socket.pause()
  const block = Buffer.alloc(MUCH_BYTES / 4, 'x')
  for (let count = 0; count < 4; count++) near.socket.write(block)
  expect('what is not sent at once waits', near.socket.writableNeedDrain)
  far.socket.resume()
  await Promise.all([far.heard(MUCH_BYTES + 10), near.drained.promise])
  near.socket.write('last')
  near.socket.end()
  await far.ended.promise
  expect('all of it arrives over TLS, once', far.bytes === MUCH_BYTES + 14 && near.socket.writableLength === 0)
  await sayGoodbye(far, near)
}

async function destroyedWhileItWrites([far, near]: Ends): Promise<void> {
  far.socket.pause()
  for (let count = 0; count < 4; count++) near.socket.write(Buffer.alloc(MUCH_BYTES))
  near.socket.end()
  await new Promise((resolve) => setImmediate(resolve))
  near.socket.destroy()
  await near.closed.promise
  expect('a closed one has nothing to say', near.socket.getProtocol() === null && near.socket.writableLength === 0)
  far.socket.destroy()
  await far.closed.promise
}

async function peerThatIsGone([far, near]: Ends): Promise<void> {
  far.socket.destroy()
  await Promise.all([far.closed.promise, near.ended.promise])
  // The first is answered with a reset, later ones fail.
  const writing = setInterval(() => near.socket.write('to nobody'), 1)
  await Promise.all([near.failed.promise, near.closed.promise])
  clearInterval(writing)
}

async function noise(connected: Connected): Promise<void> {
  const [far, near] = await connected()
  const end = new End(far.socket.toTls({ secureContext: context(), asksCertificate: false }))
  near.socket.write('a1 NOOP\r\n')
  const error = await end.failed.promise
  expect('what is no TLS is an error', codeOf(error)?.startsWith('ERR_SSL') === true)
  await end.closed.promise
  near.socket.destroy()
  await near.closed.promise
}

async function resetByPeer(connected: Connected): Promise<void> {
  const [far, near] = await connected()
  const end = new End(far.socket.toTls({ secureContext: context(), asksCertificate: false }))
  ;(near.socket.handle as { reset?(): number } | undefined)?.reset?.()
  const error = await end.failed.promise
  expect('a reset is an error over TLS, too', codeOf(error) === 'ECONNRESET')
  await end.closed.promise
}

function context(): SecureContext {
  return createSecureContext({ ciphers: `${CIPHER}:@SECLEVEL=0`, maxVersion: 'TLSv1.2' })
}
