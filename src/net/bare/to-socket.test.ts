import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { BARE_ENDS, type BarePair, barePair, skipWithoutBare as skip } from '../../../test/support/bare-pair.ts'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { turn, until } from '../../../test/support/until.ts'

const secureContext = createSecureContext(await makeCertificate())

/** TLS over the bare socket, which answers it. */
function answerTls(t: TestContext, { near }: BarePair): TLSSocket {
  const socket = new TLSSocket(near.toSocket(), { isServer: true, secureContext })
  t.after(() => socket.destroy())
  // Without a tls.Server Node says no more than this.
  socket.on('_tlsError', (error: Error) => socket.destroy(error))
  return socket.on('error', () => undefined)
}

/** Goes with the socket below it. */
function askTls({ far }: BarePair): TLSSocket {
  const socket = connectTls({ socket: far, rejectUnauthorized: false })
  return socket.on('error', () => undefined)
}

/** Both ends send a megabyte and more and read the other's; each is told the end of the other. */
async function talk(near: TLSSocket, far: TLSSocket): Promise<void> {
  const bytes = [randomBytes(1_500_000), randomBytes(1_200_000)] as const
  const chunks: [Buffer[], Buffer[]] = [[], []]
  near.on('data', (chunk: Buffer) => chunks[0].push(chunk))
  far.on('data', (chunk: Buffer) => chunks[1].push(chunk))
  const ended = Promise.all([once(near, 'end'), once(far, 'end')])
  far.end(bytes[0])
  near.end(bytes[1])
  await ended
  assert.ok(Buffer.concat(chunks[0]).equals(bytes[0]) && Buffer.concat(chunks[1]).equals(bytes[1]))
}

for (const end of BARE_ENDS) {
  test(`TLS over one that read nothing yet: ${end}`, { skip }, async (t) => {
    const pair = await barePair(t, end)
    let closed = 0
    pair.near.onClosed = () => closed++
    await talk(answerTls(t, pair), askTls(pair))
    await until('its keeper is told', () => closed === 1)
    assert.deepEqual(pair.told.chunks, [])
  })

  test(`TLS over one that asks for it: ${end}`, { skip }, async (t) => {
    const pair = await barePair(t, end)
    pair.near.resume()
    pair.near.write('S STARTTLS\r\n')
    await once(pair.far, 'data')
    pair.far.removeAllListeners('data')
    pair.far.write('S OK\r\n')
    await until('the answer', () => pair.told.text === 'S OK\r\n')
    const far = new TLSSocket(pair.far, { isServer: true, secureContext }).on('error', () => undefined)
    t.after(() => far.destroy())
    const near = connectTls({ socket: pair.near.toSocket(), rejectUnauthorized: false })
    t.after(() => near.destroy())
    await talk(near, far)
  })
}

test('TLS begins within the read that asks for it, and what comes behind is for TLS', { skip }, async (t) => {
  for (const isLater of [false, true]) {
    const pair = await barePair(t)
    const answering = Promise.withResolvers<TLSSocket>()
    pair.told.onTake = () => {
      const begin = (): void => {
        pair.near.write('a OK\r\n')
        answering.resolve(answerTls(t, pair))
      }
      if (isLater) void Promise.resolve().then(begin)
      else begin()
      return true
    }
    pair.near.resume()
    pair.far.write('a STARTTLS\r\n')
    await once(pair.far, 'data')
    pair.far.removeAllListeners('data')
    await talk(await answering.promise, askTls(pair))
    assert.equal(pair.told.text, 'a STARTTLS\r\n', 'its reader hears nothing of TLS')
  }
})

test('a handshake that came while it was paused is found', { skip }, async (t) => {
  const pair = await barePair(t)
  const far = askTls(pair)
  for (let turns = 0; turns < 20; turns++) await turn()
  await talk(answerTls(t, pair), far)
})

test('what was read too much may be put back before the handshake', { skip }, async (t) => {
  const pair = await barePair(t)
  pair.told.onTake = () => false
  pair.near.resume()
  const far = askTls(pair)
  await until('a piece of the handshake', () => pair.told.bytes > 0)
  const raw = pair.near.toSocket()
  raw.pause()
  raw.unshift(Buffer.concat(pair.told.chunks))
  const near = new TLSSocket(raw, { isServer: true, secureContext })
  t.after(() => near.destroy())
  await talk(near, far)
})

test('what is queued goes first, then the handshake', { skip }, async (t) => {
  const pair = await barePair(t)
  pair.far.pause()
  let bytes = 0
  while (pair.near.writableLength < 2_000_000) {
    pair.near.write('x'.repeat(1_000_000))
    bytes += 1_000_000
  }
  pair.near.write('OK\r\n')
  const near = answerTls(t, pair)
  const chunks: Buffer[] = []
  while (bytes + 4 > 0) {
    const chunk = pair.far.read() as Buffer | null
    if (chunk === null) await turn()
    else {
      chunks.push(chunk)
      bytes -= chunk.length
    }
  }
  assert.equal(bytes, -4, 'the handshake waits for the other side')
  assert.equal(Buffer.concat(chunks).subarray(-4).toString(), 'OK\r\n')
  await talk(near, askTls(pair))
})

test('a connection that breaks under TLS is told there, and closed once here', { skip }, async (t) => {
  const secured = async (pair: BarePair, near: TLSSocket): Promise<void> => {
    await Promise.all([once(near, 'secure'), once(askTls(pair), 'secureConnect')])
    await turn()
  }
  const rows: { why: string; act: (pair: BarePair, near: TLSSocket) => unknown }[] = [
    { why: 'a reset before the handshake', act: ({ far }) => far.resetAndDestroy() },
    {
      why: 'a reset within it',
      async act({ far }) {
        far.write('\x16\x03\x01')
        await turn()
        far.resetAndDestroy()
      },
    },
    { why: 'what is no handshake', act: ({ far }) => far.write('a NOOP\r\n') },
    {
      why: 'a reset after it',
      async act(pair, near) {
        await secured(pair, near)
        pair.far.resetAndDestroy()
      },
    },
    {
      why: 'a reset under much that is queued',
      async act(pair, near) {
        await secured(pair, near)
        pair.far.pause()
        near.write(Buffer.alloc(20_000_000))
        await turn()
        pair.far.resetAndDestroy()
      },
    },
    { why: 'the bare one is destroyed', act: ({ near }) => near.destroy() },
    { why: 'the bare one is destroyed for a reason', act: ({ near }) => near.destroy(new Error('enough')) },
    { why: 'TLS is destroyed', act: (_pair, near) => near.destroy() },
  ]
  for (const { why, act } of rows) {
    const pair = await barePair(t)
    let closed = 0
    pair.near.onClosed = () => closed++
    const near = answerTls(t, pair)
    let over = false
    near.on('close', () => {
      over = true
    })
    await act(pair, near)
    await until(`over: ${why}`, () => over)
    await until(`closed: ${why}`, () => closed === 1)
    pair.near.destroy()
    for (let turns = 0; turns < 5; turns++) await turn()
    assert.equal(closed, 1, why)
  }
})

test('a write that was queued before and fails then breaks what became of it', { skip }, async (t) => {
  const pair = await barePair(t)
  pair.far.pause()
  while (pair.near.writableLength < 4_000_000) pair.near.write(Buffer.alloc(1_000_000))
  const near = answerTls(t, pair)
  pair.far.resetAndDestroy()
  await until('it is over', () => near.destroyed && pair.near.destroyed)
  assert.deepEqual([pair.near.write('x'), pair.near.handle], [false, undefined])
})

test('whoever owns it at the end is told that it is closed', { skip }, async (t) => {
  const pair = await barePair(t)
  const socket = pair.near.toSocket()
  pair.near.owner = pair.told
  socket.destroy()
  await once(socket, 'close')
  assert.deepEqual(pair.told.news, ['close'])
})

test('as a socket of Node it carries on with what it was', { skip }, async (t) => {
  const pair = await barePair(t)
  pair.near.resume()
  pair.far.write('one')
  await until('the first', () => pair.told.text === 'one')
  const socket = pair.near.toSocket()
  t.after(() => socket.destroy())
  assert.deepEqual([socket.remotePort, socket.localPort], [pair.far.localPort, pair.far.remotePort])
  socket.write('two')
  const [bytes] = (await once(pair.far, 'data')) as [Buffer]
  assert.equal(bytes.toString(), 'two')
  const ended = once(pair.far.resume(), 'end')
  socket.end()
  await ended
})
