import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { skipWithoutBare as skip } from '../../../test/support/bare-pair.ts'
import {
  closedOnce,
  FATAL_ALERT,
  opensslClient,
  skipWithoutOpenssl as skipOpenssl,
  turns,
} from '../../../test/support/bare-tls-faults.ts'
import {
  type BareTlsPair,
  bareTlsPair,
  securedPair,
  TLS_KINDS,
  TLS_ROLES,
  TLS_VERSIONS,
} from '../../../test/support/bare-tls-pair.ts'
import { turn, until } from '../../../test/support/until.ts'

for (const { maxVersion, role, name } of TLS_KINDS) {
  test(`garbage, alerts and half records behind the handshake: ${name}`, { skip }, async (t) => {
    const record = Buffer.concat([Buffer.from('1703030040', 'hex'), Buffer.alloc(64, 7)])
    const rows: { why: string; act: (far: Socket) => unknown; news: RegExp }[] = [
      { why: 'no record', act: (far) => far.write('this is no TLS record\r\n'), news: /^error ERR_SSL_\w+,close$/ },
      { why: 'a record of noise', act: (far) => far.write(record), news: /^error ERR_SSL_\w+,close$/ },
      {
        why: 'many records of noise',
        act: (far) => far.write(Buffer.concat(Array.from({ length: 500 }, () => record))),
        news: /^error ERR_SSL_\w+,close$/,
      },
      { why: 'a fatal alert in clear', act: (far) => far.write(FATAL_ALERT), news: /^(error ERR_SSL_\w+|end),close$/ },
      { why: 'half a record, then FIN', act: (far) => far.end(record.subarray(0, 30)), news: /^end,close$/ },
      { why: 'half a header, then FIN', act: (far) => far.end(record.subarray(0, 3)), news: /^end,close$/ },
      { why: 'FIN', act: (far) => far.end(), news: /^end,close$/ },
      {
        why: 'half a record, then a reset',
        act: (far) => far.write(record.subarray(0, 30), () => far.resetAndDestroy()),
        news: /^error ECONNRESET,close$/,
      },
    ]
    for (const { why, act, news } of rows) {
      for (const isQueued of [false, true]) {
        const pair = await securedPair(t, { maxVersion, role })
        if (isQueued) {
          pair.client.pause()
          for (let count = 0; count < 5; count++) pair.near.write(Buffer.alloc(3_000_000))
        }
        pair.told.onNews = (what) => what === 'end' && pair.near.destroy()
        act(pair.far)
        await closedOnce(pair, news, `${why}, ${isQueued}`)
      }
    }
  })

  test(`after close_notify nothing is read: ${name}`, { skip }, async (t) => {
    const pair = await securedPair(t, { maxVersion, role })
    pair.client.end('bye')
    await until('the end', () => pair.told.news.includes('end'))
    if (pair.far.writable) pair.far.write('more, and no record')
    await turns(5)
    assert.deepEqual([pair.told.news, pair.told.text, pair.near.destroyed], [['end'], 'bye', false])
    pair.near.destroy()
    await closedOnce(pair, /^end,close$/, 'after it')
  })
}

test('writing to a peer that is gone fails the connection, also when nobody reads', { skip }, async (t) => {
  for (const { maxVersion, role, name } of TLS_KINDS) {
    for (const waits of [0, 5]) {
      const pair = await securedPair(t, { maxVersion, role })
      const { near, far, told } = pair
      await turns(3)
      near.pause()
      const closed = once(far, 'close')
      far.resetAndDestroy()
      await closed
      await turns(5)
      const done: string[] = []
      for (let count = 0; count < 5; count++) {
        near.write('to nobody')
        await turns(waits)
      }
      near.write(Buffer.alloc(2_000_000))
      near.end(() => done.push('end'))
      await closedOnce(pair, /^error (ECONNRESET|EPIPE),close$/, name)
      assert.deepEqual([done, near.writableFinished, told.text], [['end'], false, ''])
    }
  }
})

test('a reset with bytes on their way and in the queue forgets them', { skip }, async (t) => {
  for (const reads of [true, false]) {
    const pair = await securedPair(t)
    const { near, client, far } = pair
    if (!reads) near.pause()
    client.pause()
    for (let count = 0; count < 20; count++) near.write(Buffer.alloc(1_000_000))
    const done: string[] = []
    near.end(() => done.push('end'))
    await turns(3)
    far.resetAndDestroy()
    await closedOnce(pair, /^error (ECONNRESET|EPIPE),close$/, `${reads}`)
    assert.deepEqual([done, near.writableFinished], [['end'], false])
  }
})

test('it may be destroyed within anything it tells', { skip }, async (t) => {
  const much = Buffer.alloc(8_000_000)
  const rows: { why: string; act: (pair: BareTlsPair) => unknown; news: RegExp }[] = [
    {
      why: 'a read',
      act({ near, client, told }) {
        told.onTake = () => {
          near.destroy()
          return true
        }
        client.write('x')
      },
      news: /^close$/,
    },
    {
      why: 'a read of many, which also has had enough and wants another buffer',
      act({ near, client, told }) {
        told.onTake = () => {
          told.buffer = Buffer.alloc(100)
          near.destroy()
          return false
        }
        client.write(Buffer.alloc(1_000_000))
      },
      news: /^close$/,
    },
    {
      why: 'a read that was answered before',
      act({ near, client, told }) {
        told.onTake = () => {
          near.write(much)
          near.write('behind it')
          near.end()
          near.destroy()
          return true
        }
        client.pause().write('x')
      },
      news: /^close$/,
    },
    {
      why: 'what runs behind a read, before the next',
      act({ near, client, told }) {
        told.onTake = () => {
          void Promise.resolve().then(() => near.destroy())
          return true
        }
        client.write(Buffer.alloc(1_000_000))
      },
      news: /^close$/,
    },
    {
      why: 'its end',
      act({ near, client, told }) {
        told.onNews = (what) => what === 'end' && near.destroy()
        client.end('x')
      },
      news: /^end,close$/,
    },
    {
      why: 'its end, answered before',
      act({ near, client, told }) {
        told.onNews = (what) => {
          if (what !== 'end') return
          near.write('bye')
          near.end()
          near.destroy()
        }
        client.end('x')
      },
      news: /^end,close$/,
    },
    {
      why: 'drain, with more written before',
      act({ near, client, told }) {
        told.onNews = (what) => {
          if (what !== 'drain') return
          near.write(much)
          near.write('behind it')
          near.destroy()
        }
        near.write(much)
        near.write('behind it')
        client.resume()
      },
      news: /^drain,close$/,
    },
    {
      why: 'an error of the connection',
      act({ near, far, told }) {
        told.onNews = (what) => what.startsWith('error') && near.destroy(new Error('another'))
        far.resetAndDestroy()
      },
      news: /^error ECONNRESET,close$/,
    },
    {
      why: 'an error of TLS',
      act({ near, far, told }) {
        told.onNews = (what) => what.startsWith('error') && near.destroy(new Error('another'))
        far.write('no record at all')
      },
      news: /^error ERR_SSL_\w+,close$/,
    },
    {
      why: 'the close',
      act({ near, told }) {
        told.onNews = (what) => what === 'close' && near.destroy(new Error('another'))
        near.destroy()
      },
      news: /^close$/,
    },
    {
      why: 'the end of what was written',
      act({ near, client }) {
        client.resume()
        near.write('x')
        near.end(() => near.destroy())
      },
      news: /^close$/,
    },
    {
      why: 'the end of what was queued',
      act({ near, client }) {
        near.write(much)
        near.write('x')
        near.end(() => near.destroy())
        client.resume()
      },
      news: /^close$/,
    },
    {
      why: 'nothing, with a write on its way and one queued',
      act({ near, client }) {
        client.pause()
        near.write(much)
        near.write(much)
        near.destroy()
      },
      news: /^close$/,
    },
    {
      why: 'nothing, a turn after a write',
      async act({ near, client }) {
        client.pause()
        near.write(much)
        near.write(much)
        near.end()
        await turn()
        near.destroy(Object.assign(new Error('enough'), { code: 'EOWN' }))
      },
      news: /^error EOWN,close$/,
    },
  ]
  for (const { maxVersion, role } of TLS_KINDS) {
    for (const { why, act, news } of rows) {
      const pair = await securedPair(t, { maxVersion, role })
      let closed = 0
      pair.under.onClosed = () => closed++
      await act(pair)
      await closedOnce(pair, news, why)
      assert.equal(closed, 1, why)
    }
  }
})

test('words written before the handshake is done are said behind it', { skip }, async (t) => {
  for (const { maxVersion, role } of TLS_KINDS) {
    const { near, client, secured } = await bareTlsPair(t, { maxVersion, role })
    let text = ''
    client.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    near.write('early ')
    near.write(Buffer.from('words '))
    await secured
    near.write('and late')
    await until('all of them', () => text === 'early words and late')
    await until('it knows', () => near.writableLength === 0)
  }
})

test('a reset, words, noise and its own end, in every order in one turn', { skip }, async (t) => {
  const acts: readonly ((pair: BareTlsPair) => unknown)[] = [
    ({ far }) => far.resetAndDestroy(),
    ({ near }) => near.end(),
    ({ near }) => near.write('word'),
    ({ near }) => near.write(Buffer.alloc(3_000_000)),
    ({ far }) => far.writable && far.write('noise, which is no record'),
    ({ client }) => client.end('word'),
  ]
  let number = 0
  for (const first of acts) {
    for (const second of acts) {
      for (const third of acts) {
        const pair = await securedPair(t, { role: TLS_ROLES[number++ % 2] ?? 'server' })
        first(pair)
        second(pair)
        third(pair)
        pair.far.resetAndDestroy()
        await until('it is over', () => pair.told.news.includes('close') || pair.told.news.includes('end'))
        pair.near.destroy()
        await closedOnce(pair, /^(drain,)?((error [^,]+|end|end,error [^,]+),)?close$/, 'all of it')
      }
    }
  }
})

test('a reset while the tickets go out, which Node keeps for itself, is an end at least', { skip }, async (t) => {
  for (const maxVersion of TLS_VERSIONS) {
    for (const says of ['', '* OK ready\r\n']) {
      const pair = await bareTlsPair(t, { maxVersion })
      pair.near.onSecure = () => {
        pair.far.resetAndDestroy()
        if (says !== '') pair.near.write(says)
      }
      let done = 0
      pair.told.onNews = (what) => what === 'end' && pair.near.end(() => done++)
      await until('it is told', () => pair.told.news.length > 0)
      await turns(3)
      pair.near.destroy()
      await closedOnce(pair, /^(end|error (ECONNRESET|EPIPE)),close$/, says)
      assert.equal(done, pair.told.news.includes('end') ? 1 : 0)
    }
  }
})

/** A client that is a program; it hears what is written to it as commands. */
test('new keys, as often as a client of TLS 1.3 likes', { skip: skipOpenssl }, async (t) => {
  const end = await opensslClient(t, '-tls1_3')
  const { near, told, say, complained } = end
  let changes = 0
  for (let round = 0; round < 5; round++) {
    for (const command of ['K\n', 'k\n']) {
      say(command)
      changes++
      await until('it is done', () => complained().split('KEYUPDATE').length > changes)
      say(`words ${round} ${command}`)
      await until('the words', () => told.text.endsWith(`words ${round} ${command}`))
      near.write(`answer ${round}`)
      near.write(Buffer.alloc(100_000))
    }
  }
  say('Q\n')
  await until('the end', () => told.news.includes('end'))
  near.end(() => near.destroy())
  await closedOnce(end, /^secure,(drain,)*end,(drain,)*close$/, 'keys')
})

test('nobody renegotiates', { skip: skipOpenssl }, async (t) => {
  const end = await opensslClient(t, '-tls1_2')
  end.say('before\n')
  await until('the words', () => end.told.text === 'before\n')
  end.told.onNews = (what) => what === 'end' && end.near.destroy()
  end.say('R\n')
  await closedOnce(end, /^secure,(end|error [^,]+),close$/, 'R')
  const node = await securedPair(t, { maxVersion: 'TLSv1.2' })
  node.told.onNews = (what) => what === 'end' && node.near.destroy()
  node.client.renegotiate({}, () => undefined)
  node.client.write('more')
  await until('the words, or the end', () => node.told.text === 'more' || node.told.news.includes('close'))
  assert.ok(!node.told.news.includes('secure'), 'the handshake is done once')
})
