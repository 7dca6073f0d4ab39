import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { barePair, skipWithoutBare as skip } from '../../../test/support/bare-pair.ts'
import {
  ALERT,
  APPLICATION_DATA,
  bareTlsEnd,
  type BareTlsPair,
  peerOver,
  securedPair,
  TLS_KINDS,
  TLS_ROLES,
  tlsRecords,
} from '../../../test/support/bare-tls-pair.ts'
import { turn, until } from '../../../test/support/until.ts'
import { sharedReadBuffer } from '../onread.ts'

/** Collects what the client reads. */
function heardBy({ client }: BareTlsPair): { text: () => string; bytes: () => number; ended: () => boolean } {
  const chunks: Buffer[] = []
  let [bytes, ended] = [0, false]
  client.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
  })
  client.on('end', () => {
    ended = true
  })
  return { text: () => Buffer.concat(chunks).toString('latin1'), bytes: () => bytes, ended: () => ended }
}

/** Makes the near end queue: the client reads nothing until it is told to. Returns how many bytes were written. */
function fill({ near, client }: BareTlsPair): number {
  client.pause()
  const block = Buffer.alloc(1_000_000, 'x')
  let bytes = 0
  while (near.writableLength < 10 * block.length) {
    near.write(block)
    bytes += block.length
  }
  return bytes
}

for (const { maxVersion, role, name } of TLS_KINDS) {
  test(`text and bytes keep their order, one write behind the other: ${name}`, { skip }, async (t) => {
    const pair = await securedPair(t, { maxVersion, role })
    const { near, told } = pair
    near.begin()
    assert.equal(near.ephemeralDhBits(), undefined)
    const there = heardBy(pair)
    const sent: Buffer[] = []
    for (let number = 0; number < 3000; number++) {
      const text = `${number} caf\xe9 ${'\xff'.repeat(number % 50)}\r\n`
      const data = [text, Buffer.from(text, 'latin1'), '', new Uint8Array(0)][number % 5] ?? text
      near.write(data)
      sent.push(Buffer.from(data as string, 'latin1'))
      if (number % 100 === 0) await turn()
    }
    const all = Buffer.concat(sent).toString('latin1')
    await until('all is there', () => there.bytes() >= all.length)
    assert.equal(there.text(), all)
    await until('it knows', () => near.writableLength === 0)
    assert.deepEqual(
      told.news.filter((news) => news !== 'drain'),
      [],
    )
  })

  test(`what is queued is sent before close_notify, and that before FIN: ${name}`, { skip }, async (t) => {
    const pair = await securedPair(t, { maxVersion, role })
    const bytes = fill(pair)
    pair.near.write('last words')
    const done: string[] = []
    pair.near.end(() => done.push('first'))
    pair.near.end(() => done.push('second'))
    assert.equal(pair.near.write('too late'), false)
    assert.deepEqual([pair.near.writable, pair.near.writableFinished, done], [false, false, []])
    const there = heardBy(pair)
    pair.client.resume()
    await until('its end', () => there.ended() && pair.wire.ended())
    assert.equal(there.bytes(), bytes + 10)
    assert.ok(there.text().endsWith('xlast words'))
    await until('both are told', () => done.length === 2)
    assert.deepEqual([done, pair.near.writableFinished, pair.near.writableLength], [['first', 'second'], true, 0])
    assert.deepEqual(pair.told.news, [], 'nobody waits for more to be taken')
    pair.near.end(() => done.push('third'))
    await until('it is told at once', () => done.length === 3)
    // In TLS 1.3 an alert looks like data: two bytes, their type and sixteen for their proof.
    const last = tlsRecords(pair.wire.heard()).at(-1)
    if (maxVersion === 'TLSv1.2') assert.equal(last?.type, ALERT)
    else assert.deepEqual(last, { type: APPLICATION_DATA, size: 19 })
    assert.equal(pair.near.destroyed, false, 'it closes when it is told to')
  })

  test(`close_notify comes before FIN when nothing waits, or something was just written: ${name}`, {
    skip,
  }, async (t) => {
    const all = [[], ['* BYE\r\n'], ['* BYE ', 'for now\r\n'], [Buffer.alloc(100_000)]]
    for (const [how, words] of all.flatMap((each) => [['end', each] as const, ['leave', each] as const])) {
      const pair = await securedPair(t, { maxVersion, role })
      await turn()
      const there = heardBy(pair)
      const before = pair.wire.heard().length
      for (const word of words) pair.near.write(word)
      pair.near[how]()
      await until('its end', () => there.ended() && pair.wire.ended())
      assert.equal(
        there.bytes(),
        words.reduce((sum, word) => sum + word.length, 0),
      )
      const records = tlsRecords(pair.wire.heard().subarray(before))
      assert.equal(records.filter(({ type, size }) => type === ALERT || size === 19).length, 1)
      if (how === 'leave') await until('it is closed', () => pair.told.news.includes('close'))
    }
  })

  test(`it may end within its handshake's last step, and whatever it says then arrives: ${name}`, {
    skip,
  }, async (t) => {
    for (const says of ['', '* OK ready\r\n']) {
      const other = await bareTlsEnd(t, {}, role)
      other.near.onSecure = () => {
        if (says !== '') other.near.write(says)
        other.near.end()
      }
      const client = peerOver(other.far, role, { maxVersion })
      t.after(() => client.destroy())
      let text = ''
      client.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      other.near.begin()
      await once(client, 'end')
      assert.equal(text, says)
      assert.equal(client.getProtocol(), maxVersion)
      client.end()
      await until('the other end', () => other.told.news.includes('end'))
      assert.deepEqual(other.told.news, ['end'])
    }
  })

  test(`many bytes both ways at once, to a reader who is slow: ${name}`, { skip }, async (t) => {
    const { near, client, told } = await securedPair(t, { maxVersion, role })
    told.keep = false
    const [sent, got, back, arrived] = ['', '', '', ''].map(() => createHash('sha256'))
    const block = randomBytes(333_333)
    const [count, size] = [30, 30 * 333_333]
    told.onTake = (chunk) => {
      arrived?.update(chunk)
      setImmediate(() => near.resume())
      return false
    }
    let clientBytes = 0
    client.on('data', (chunk: Buffer) => {
      got?.update(chunk)
      clientBytes += chunk.length
      client.pause()
      setImmediate(() => client.resume())
    })
    let [most, waits] = [0, 0]
    const speaking = (async () => {
      for (let i = 0; i < count; i++) {
        sent?.update(block)
        const goesOn = near.write(block)
        most = Math.max(most, near.writableLength)
        if (goesOn) continue
        waits++
        assert.ok(near.writableNeedDrain && near.writableLength >= 64 * 1024)
        await until('it is drained', () => !near.writableNeedDrain)
        const drains = told.news.filter((news) => news === 'drain').length
        assert.deepEqual([near.writableLength, drains], [0, waits], 'it is told once, when all is gone')
      }
    })()
    const answering = (async () => {
      for (let i = 0; i < count; i++) {
        back?.update(block)
        if (!client.write(block)) await once(client, 'drain')
      }
    })()
    await Promise.all([speaking, answering])
    await until('all is there', () => clientBytes === size && told.bytes === size)
    assert.equal(waits, count, 'each block is more than may wait')
    assert.ok(most <= 2 * block.length, `${most} bytes waited`)
    assert.deepEqual([got?.digest('hex'), arrived?.digest('hex')], [sent?.digest('hex'), back?.digest('hex')])
    assert.deepEqual([near.writableLength, near.writableNeedDrain], [0, false])
  })
}

test('either side may finish first, and still hears the other', { skip }, async (t) => {
  const first = await securedPair(t)
  const far = heardBy(first)
  first.client.end('question')
  await until('the end', () => first.told.news.includes('end'))
  assert.equal(first.told.text, 'question')
  assert.deepEqual([first.near.readableEnded, first.near.writable, first.near.destroyed], [true, true, false])
  first.near.resume()
  first.near.pause()
  assert.ok(first.near.write('answer'))
  await until('the answer', () => far.text() === 'answer')
  first.near.end(() => first.near.destroy())
  await until('its end', () => far.ended())
  await until('it is closed', () => first.told.news.includes('close'))
  assert.deepEqual(first.told.news, ['end', 'close'])

  const second = await securedPair(t)
  const other = heardBy(second)
  second.near.write('question')
  second.near.end()
  await until('the end', () => other.ended())
  assert.equal(other.text(), 'question')
  assert.deepEqual([second.near.writable, second.near.writableFinished, second.near.destroyed], [false, true, false])
  second.client.end('answer')
  await until('its end', () => second.told.news.includes('end'))
  assert.equal(second.told.text, 'answer')
  second.near.destroy()
  await until('it is closed', () => second.told.news.includes('close'))
})

test('who drains may write again, or end', { skip }, async (t) => {
  for (const says of ['', 'one more', 'x'.repeat(200_000)]) {
    const pair = await securedPair(t)
    const there = heardBy(pair)
    const bytes = fill(pair)
    let finished = 0
    pair.told.onNews = (what) => {
      if (what !== 'drain') return
      if (says !== '') pair.near.write(says)
      pair.near.end(() => finished++)
    }
    pair.client.resume()
    await until('its end', () => there.ended())
    assert.equal(there.bytes(), bytes + says.length)
    assert.ok(there.text().endsWith(says))
    await until('it is told', () => finished > 0)
    assert.deepEqual([pair.told.news, finished], [['drain'], 1])
  }
})

test('who pauses gets what was decrypted already, and the rest when it goes on', { skip }, async (t) => {
  const { near, client, told } = await securedPair(t)
  told.onTake = () => false
  const bytes = randomBytes(3_000_000)
  client.write(bytes)
  let seen = 0
  while (seen < bytes.length) {
    await until('more', () => told.bytes > seen)
    assert.ok(near.isPaused() && near.readableFlowing === false)
    for (let turns = 0; turns < 3; turns++) await turn()
    // One read of the kernel's is 64 KB, and the records in it are decrypted together.
    assert.ok(told.bytes - seen <= 2 * 65_536, `${told.bytes - seen} bytes came to one who had enough`)
    seen = told.bytes
    near.resume()
  }
  assert.ok(Buffer.concat(told.chunks).equals(bytes))
})

test('readers come and go, with buffers of their own', { skip }, async (t) => {
  const { near, client, told } = await securedPair(t)
  const shared = sharedReadBuffer()
  const buffers = [shared, Buffer.alloc(100), Buffer.alloc(1), Buffer.alloc(20_000), shared]
  let [reads, pauses] = [0, 0]
  const buffer = (): Buffer => buffers[reads % buffers.length] ?? shared
  const chunks: Buffer[] = []
  const second = {
    nextBuffer: buffer,
    take(bytes: Buffer, count: number) {
      assert.ok(count <= bytes.length)
      chunks.push(Buffer.from(bytes.subarray(0, count)))
      near.reader = told
      reads++
      return true
    },
  }
  told.onTake = (chunk) => {
    chunks.push(chunk)
    reads++
    told.buffer = buffer()
    near.reader = second
    if (reads % 7 !== 0) return true
    pauses++
    setImmediate(() => near.resume())
    return false
  }
  const bytes = randomBytes(500_000)
  client.write(bytes)
  await until('all is there', () => chunks.reduce((sum, chunk) => sum + chunk.length, 0) === bytes.length)
  assert.ok(Buffer.concat(chunks).equals(bytes))
  assert.ok(pauses > 0)
})

test('an answer written while a read is told, and its end, get there', { skip }, async (t) => {
  const pair = await securedPair(t)
  const { near, client, told } = pair
  const there = heardBy(pair)
  told.onTake = (chunk) => {
    near.write(chunk)
    if (chunk.includes('LOGOUT')) near.end(() => near.destroy())
    return true
  }
  client.write('NOOP\r\n')
  await until('an answer', () => there.text() === 'NOOP\r\n')
  client.write('LOGOUT\r\n')
  await until('the end', () => there.ended())
  assert.equal(there.text(), 'NOOP\r\nLOGOUT\r\n')
  await until('it is closed', () => told.news.includes('close'))
  assert.deepEqual(told.news, ['close'])
})

test('both ends are known while it is open', { skip }, async (t) => {
  const { near, under, far, told } = await securedPair(t)
  for (const socket of [near, under]) {
    assert.deepEqual([socket.remote().address, socket.remote().port], ['127.0.0.1', far.localPort])
    assert.deepEqual([socket.local().address, socket.local().port], ['127.0.0.1', far.remotePort])
  }
  near.destroy()
  assert.deepEqual([near.local(), near.remote(), under.remote().port !== 0], [{}, {}, true])
  await until('it is closed', () => told.news.includes('close'))
  assert.deepEqual([under.destroyed, under.remote()], [true, {}])
})

test('what TLS lies over is written to and read by TLS alone', { skip }, async (t) => {
  const pair = await securedPair(t)
  const there = heardBy(pair)
  const { under, near } = pair
  assert.equal(under.write('in clear'), false)
  under.resume()
  under.pause()
  assert.throws(() => under.toTls({} as never), /has gone/)
  near.write('over TLS')
  await until('the words', () => there.text() === 'over TLS')
  let closed = 0
  under.onClosed = () => closed++
  under.end(() => under.destroy())
  await until('its end', () => there.ended())
  await until('it is closed', () => pair.told.news.includes('close'))
  assert.deepEqual([near.destroyed, under.destroyed, closed], [true, true, 1])
})

test('a closed bare socket becomes nothing else', { skip }, async (t) => {
  const { near, told } = await barePair(t)
  near.destroy()
  assert.throws(() => near.toTls({} as never), /has gone/)
  await until('it is closed', () => told.news.includes('close'))
  assert.throws(() => near.toTls({} as never), /has gone/)
})

test('once it is destroyed nothing does harm, before it is closed and after', { skip }, async (t) => {
  const ways = TLS_ROLES.flatMap((role) => [true, false].map((isSecured) => ({ role, isSecured })))
  for (const { role, isSecured } of ways) {
    const { near, told } = isSecured ? await securedPair(t, { role }) : await bareTlsEnd(t, {}, role)
    near.write('queued')
    near.write(Buffer.alloc(1_000_000))
    near.destroy()
    const done: string[] = []
    const everything = async (): Promise<void> => {
      near.receive(Buffer.from('late'))
      near.begin()
      near.resume()
      near.pause()
      assert.equal(near.write('late'), false)
      assert.equal(near.write(Buffer.alloc(100)), false)
      near.end(() => done.push('done'))
      near.end()
      near.destroy()
      near.destroy(new Error('late'))
      assert.deepEqual(
        [near.getProtocol(), near.getCipher().name, near.getPeerX509Certificate(), near.getCertificate()],
        [null, '', undefined, null],
      )
      assert.equal(near.servername, undefined)
      assert.throws(() => near.exportKeyingMaterial(32, 'EXPORTER-x', Buffer.alloc(0)), /connection closed/)
      assert.match(near.verifyError()?.message ?? '', isSecured ? /connection closed/ : /no handshake/)
      assert.deepEqual([near.local(), near.remote()], [{}, {}])
      assert.deepEqual([near.isPaused() || near.readableFlowing, near.destroyed, near.writable], [true, true, false])
      await turn()
    }
    await everything()
    await until('it is closed', () => told.news.includes('close'))
    await everything()
    assert.deepEqual([told.news, done, near.writableLength], [['close'], ['done', 'done'], 0])
  }
})
