import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { skipWithoutBare as skip } from '../../../test/support/bare-pair.ts'
import { CLOSE_NOTIFY, clientHello, closedOnce, FATAL_ALERT, turns } from '../../../test/support/bare-tls-faults.ts'
import {
  type BareTlsPair,
  bareTlsEnd,
  bareTlsPair,
  peerOver,
  TEST_CONTEXT,
  TLS_ROLES,
  TLS_VERSIONS,
} from '../../../test/support/bare-tls-pair.ts'
import { turn, until } from '../../../test/support/until.ts'

test('garbage instead of a ClientHello, in pieces of every size', { skip }, async (t) => {
  const rows: { why: string; bytes: Buffer; news: RegExp }[] = [
    {
      why: 'a command in clear',
      bytes: Buffer.from('a1 NOOP\r\n'),
      news: /^error ERR_SSL_WRONG_VERSION_NUMBER,close$/,
    },
    { why: 'HTTP', bytes: Buffer.from('GET / HTTP/1.0\r\n\r\n'), news: /^error ERR_SSL_HTTP_REQUEST,close$/ },
    { why: 'an alert', bytes: FATAL_ALERT, news: /^error ERR_SSL_UNEXPECTED_MESSAGE,close$/ },
    { why: 'close_notify', bytes: CLOSE_NOTIFY, news: /^error ERR_SSL_UNEXPECTED_MESSAGE,close$/ },
    { why: 'data', bytes: Buffer.from('170303000161', 'hex'), news: /^error ERR_SSL_UNEXPECTED_MESSAGE,close$/ },
    { why: 'zeros', bytes: Buffer.alloc(20), news: /^error ERR_SSL_\w+,close$/ },
    { why: 'a record too long', bytes: Buffer.from('160301ffff01000000', 'hex'), news: /^error ERR_SSL_\w+,close$/ },
    {
      why: 'a ClientHello of zeros',
      bytes: Buffer.concat([Buffer.from('16030100200100001c', 'hex'), Buffer.alloc(28)]),
      news: /^error ERR_SSL_\w+,close$/,
    },
  ]
  for (const { why, bytes, news } of rows) {
    for (let size = 1; size <= bytes.length; size++) {
      const end = await bareTlsEnd(t)
      end.far.resume()
      end.near.resume()
      for (let at = 0; at < bytes.length && end.far.writable; at += size) {
        end.far.write(bytes.subarray(at, at + size))
        await turn()
      }
      await closedOnce(end, news, `${why} in pieces of ${size}`)
    }
    // Read before TLS was asked for.
    const fed = await bareTlsEnd(t)
    fed.near.receive(bytes)
    assert.deepEqual(fed.told.news, [])
    fed.near.resume()
    await closedOnce(fed, news, `${why}, read before`)
  }
})

for (const maxVersion of TLS_VERSIONS) {
  test(`a ClientHello a byte at a time, and every part of one before the peer leaves: ${maxVersion}`, {
    skip,
  }, async (t) => {
    const hello = await clientHello(maxVersion)
    const whole = await bareTlsEnd(t)
    whole.near.resume()
    let answered = 0
    whole.far.on('data', (chunk: Buffer) => {
      answered += chunk.length
    })
    for (const byte of hello) {
      assert.equal(answered, 0)
      whole.far.write(Buffer.of(byte))
      await turn()
    }
    await until('an answer', () => answered > 0)
    assert.equal(whole.near.servername, 'imap.example.org')
    assert.deepEqual(whole.told.news, [])
    whole.near.destroy()
    for (let size = 0; size <= hello.length; size += 23) {
      const why = `${size} bytes`
      const part = hello.subarray(0, size)
      const ended = await bareTlsEnd(t)
      ended.near.resume()
      ended.far.resume().end(part)
      await until(`an end after ${why}`, () => ended.told.news.length > 0)
      assert.deepEqual(ended.told.news, ['end'])
      ended.near.end(() => ended.near.destroy())
      await closedOnce(ended, /^end,close$/, why)
      const reset = await bareTlsEnd(t)
      reset.near.resume()
      reset.far.write(part, () => reset.far.resetAndDestroy())
      await closedOnce(reset, /^error ECONNRESET,close$/, why)
      const fed = await bareTlsEnd(t)
      fed.near.receive(part)
      fed.near.resume()
      fed.far.resetAndDestroy()
      await closedOnce(fed, /^error (ECONNRESET|EPIPE),close$/, `${why}, read before`)
    }
  })

  test(`a client cut off after any part of the handshake: ${maxVersion}`, { skip }, async (t) => {
    // A whole handshake is some 700 bytes from here.
    for (let limit = 1; limit < 1000; limit += 41) {
      for (const how of ['end', 'reset'] as const) {
        const end = await bareTlsEnd(t)
        const [inner, side] = duplexPair()
        const client = connect({ socket: side, maxVersion, rejectUnauthorized: false })
        client.on('error', () => undefined)
        let sent = 0
        inner.on('data', (chunk: Buffer) => {
          const part = chunk.subarray(0, limit - sent)
          if (sent === limit || part.length === 0) return
          sent += part.length
          end.far.write(part, () => {
            if (sent < limit || end.far.destroyed) return
            if (how === 'end') end.far.end()
            else end.far.resetAndDestroy()
          })
        })
        inner.on('error', () => undefined)
        end.far.on('data', (chunk: Buffer) => inner.writable && inner.write(chunk))
        end.near.resume()
        await until('it is over, or secure', () => end.told.news.length > 0)
        if (end.told.news[0] === 'secure') {
          // The limit is behind the handshake.
          end.far.destroy()
          await until('it is over', () => end.told.news.length > 1)
        }
        end.near.write('too late')
        end.near.end(() => end.near.destroy())
        if (end.told.news.includes('end')) {
          await turns(2)
          end.near.destroy()
        }
        await closedOnce(
          end,
          /^(secure,)?(end|error ECONNRESET|end,error (ECONNRESET|EPIPE)),close$/,
          `${how} ${limit}`,
        )
        client.destroy()
      }
    }
  })
}

test('it may be destroyed within its handshake', { skip }, async (t) => {
  for (const maxVersion of TLS_VERSIONS) {
    const rows: { why: string; start: () => Promise<BareTlsPair>; news: RegExp }[] = [
      {
        why: 'when it is secure',
        async start() {
          const pair = await bareTlsPair(t, { maxVersion })
          pair.near.onSecure = () => pair.near.destroy()
          return pair
        },
        news: /^close$/,
      },
      {
        why: 'when it is secure, with words before',
        async start() {
          const pair = await bareTlsPair(t, { maxVersion })
          pair.near.onSecure = () => {
            pair.near.write('hello')
            pair.near.write(Buffer.alloc(300_000))
            pair.near.end()
            pair.near.destroy()
          }
          return pair
        },
        news: /^close$/,
      },
      {
        why: 'when a name is chosen by',
        async start() {
          const byServerName = (): typeof TEST_CONTEXT.secureContext => {
            pair.near.destroy()
            return TEST_CONTEXT.secureContext
          }
          const pair = await bareTlsPair(t, { maxVersion, servername: 'x.example' }, { byServerName })
          return pair
        },
        news: /^close$/,
      },
      {
        why: 'when choosing fails',
        async start() {
          const byServerName = (): never => {
            throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
          }
          return await bareTlsPair(t, { maxVersion, servername: 'x.example' }, { byServerName })
        },
        news: /^error ENOENT,close$/,
      },
      {
        why: 'when what is chosen is no context',
        async start() {
          const byServerName = (): typeof TEST_CONTEXT.secureContext => ({ context: { no: 'context' } }) as never
          return await bareTlsPair(t, { maxVersion, servername: 'x.example' }, { byServerName })
        },
        news: /^error [^,]+,close$/,
      },
      {
        why: 'a turn after it began',
        async start() {
          const pair = await bareTlsPair(t, { maxVersion })
          await turn()
          pair.near.destroy()
          return pair
        },
        news: /^(secure,)?close$/,
      },
      {
        why: 'before it began',
        async start() {
          const pair = await bareTlsPair(t, { maxVersion })
          pair.near.destroy()
          return pair
        },
        news: /^close$/,
      },
      {
        why: 'with words written before it is done',
        async start() {
          const pair = await bareTlsPair(t, { maxVersion })
          pair.near.write('early')
          pair.near.write('words')
          pair.near.end()
          await turn()
          pair.near.destroy()
          return pair
        },
        news: /^(secure,)?close$/,
      },
    ]
    for (const { why, start, news } of rows) {
      const pair = await start()
      await closedOnce(pair, news, `${why}, ${maxVersion}`)
    }
  }
})

test('a client of ours may be destroyed within its handshake', { skip }, async (t) => {
  const rows: { why: string; act: (pair: BareTlsPair) => unknown; news: RegExp }[] = [
    {
      why: 'when it is secure',
      act({ near }) {
        near.onSecure = () => near.destroy()
      },
      news: /^close$/,
    },
    {
      why: 'when it is secure, with words before',
      act({ near }) {
        near.onSecure = () => {
          near.write('hello')
          near.write(Buffer.alloc(300_000))
          near.end()
          near.destroy()
        }
      },
      news: /^close$/,
    },
    {
      why: 'as the certificate is not good enough',
      act({ near }) {
        near.onSecure = () => near.destroy(near.verifyError() ?? undefined)
      },
      news: /^error DEPTH_ZERO_SELF_SIGNED_CERT,close$/,
    },
    { why: 'at once', act: ({ near }) => near.destroy(), news: /^close$/ },
    {
      why: 'a turn after it began',
      act: async ({ near }) => {
        await turn()
        near.destroy()
      },
      news: /^(secure,)?close$/,
    },
    {
      why: 'with early words and an end',
      act: async ({ near }) => {
        near.write('early')
        near.write('words')
        near.end()
        await turn()
        near.destroy()
      },
      news: /^(secure,)?close$/,
    },
    { why: 'by a reset', act: ({ far }) => far.resetAndDestroy(), news: /^error ECONNRESET,close$/ },
  ]
  for (const maxVersion of TLS_VERSIONS) {
    for (const { why, act, news } of rows) {
      const pair = await bareTlsPair(t, { maxVersion, role: 'client' })
      await act(pair)
      await closedOnce(pair, news, `${why}, ${maxVersion}`)
    }
  }
})

test('a backend that answers no ClientHello, in pieces of every size, or is cut off', { skip }, async (t) => {
  const rows: { why: string; bytes: Buffer; news: RegExp }[] = [
    { why: 'a greeting', bytes: Buffer.from('* OK ready\r\n'), news: /^error ERR_SSL_\w+,close$/ },
    { why: 'an alert', bytes: FATAL_ALERT, news: /^error ERR_SSL_[\w/]+,close$/ },
    { why: 'close_notify', bytes: CLOSE_NOTIFY, news: /^end,close$/ },
    { why: 'zeros', bytes: Buffer.alloc(12), news: /^error ERR_SSL_\w+,close$/ },
    { why: 'data', bytes: Buffer.from('170303000161', 'hex'), news: /^error ERR_SSL_\w+,close$/ },
  ]
  for (const { why, bytes, news } of rows) {
    for (let size = 1; size <= bytes.length; size++) {
      const end = await bareTlsEnd(t, {}, 'client')
      end.told.onNews = (what) => what === 'end' && end.near.destroy()
      end.far.resume()
      end.near.begin()
      for (let at = 0; at < bytes.length && end.far.writable; at += size) {
        end.far.write(bytes.subarray(at, at + size))
        await turn()
      }
      await closedOnce(end, news, `${why} in pieces of ${size}`)
    }
  }
  for (const maxVersion of TLS_VERSIONS) {
    for (let limit = 0; limit < 1300; limit += 37) {
      const end = await bareTlsEnd(t, {}, 'client')
      end.told.onNews = (what) => what === 'end' && end.near.destroy()
      const [inner, side] = duplexPair()
      const server = peerOver(side, 'client', { maxVersion })
      let sent = 0
      inner.on('data', (chunk: Buffer) => {
        const part = chunk.subarray(0, limit - sent)
        sent += part.length
        if (!end.far.writable) return
        if (sent < limit) end.far.write(part)
        else if (limit % 2 === 0) end.far.end(part)
        else end.far.write(part, () => end.far.resetAndDestroy())
      })
      inner.on('error', () => undefined)
      end.far.on('data', (chunk: Buffer) => inner.writable && inner.write(chunk))
      end.near.begin()
      await until('it is over, or secure', () => end.told.news.length > 0)
      if (end.told.news.includes('secure')) end.far.destroy()
      await closedOnce(end, /^(secure,)?(end|error ECONNRESET),close$/, `${limit}, ${maxVersion}`)
      server.destroy()
    }
  }
})

test('a deadline within a handshake closes it', { skip }, async (t) => {
  for (const maxVersion of TLS_VERSIONS) {
    const hello = await clientHello(maxVersion)
    for (const part of [Buffer.alloc(0), hello.subarray(0, 50), hello]) {
      const end = await bareTlsEnd(t)
      end.near.resume()
      end.far.resume().write(part)
      const timer = setTimeout(() => end.near.destroy(new Error('late')), 5)
      await closedOnce(end, /^error late,close$/, `${part.length} bytes`)
      clearTimeout(timer)
    }
  }
})

test('what is asked of it before its handshake is done has no answer, and does no harm', { skip }, async (t) => {
  for (const role of TLS_ROLES) {
    const { near } = await bareTlsEnd(t, {}, role)
    for (const begins of [false, true]) {
      if (begins) near.begin()
      assert.equal(near.verifyError()?.message, 'no handshake')
      assert.equal(near.ephemeralDhBits(), undefined)
      assert.equal(near.getPeerX509Certificate(), undefined)
      assert.equal(near.getCertificate() === null, role === 'client')
      assert.throws(() => near.exportKeyingMaterial(32, 'EXPORTER-x', Buffer.alloc(0)))
      assert.equal(near.servername, role === 'client' ? 'imap.example.org' : undefined)
    }
  }
})
