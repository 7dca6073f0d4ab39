import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import test from 'node:test'
import fc from 'fast-check'
import { PATIENCE_MS } from '../../test/support/deadline.ts'
import { testEachWay } from '../../test/support/stream-pair.ts'
import { normalizeIp } from '../util/ip.ts'
import type { Endpoint } from './byte-stream.ts'
import { crc32c } from './crc32c.ts'
import { readProxyHeader } from './haproxy.ts'
import { type ProxyHeader, V2_SIGNATURE } from './haproxy-header.ts'
import { parseProxyHeader } from './haproxy-parse.ts'
import { writeProxyHeader } from './haproxy-write.ts'
import { SocketStream } from './socket-stream.ts'

const REMOTE = { ip: '10.0.0.9', port: 4000 }
const V4 = { source: { ip: '192.0.2.1', port: 56324 }, destination: { ip: '192.0.2.2', port: 143 } }
const V6 = { source: { ip: '2001:db8::1', port: 1 }, destination: { ip: '2001:db8::2', port: 65535 } }

function incoming(trusted = true, timeoutMs = 1_000) {
  const [near, far] = duplexPair({ allowHalfOpen: true })
  const stream = new SocketStream(near, { remote: REMOTE })
  const rules = { trusts: () => trusted, timeoutMs }
  return { stream, far, header: () => readProxyHeader(stream, rules) }
}

/** A version 2 header by hand: version and command, family, address bytes and TLVs, all hexadecimal. */
function v2(command: string, family: string, body: string, length = body.length / 2): Buffer {
  const size = length.toString(16).padStart(4, '0')
  return Buffer.concat([V2_SIGNATURE, Buffer.from(command + family + size + body, 'hex')])
}

const V4_BODY = 'c0000201c0000202dc04008f'

test('headers of both versions are understood', () => {
  const v6Body = '20010db8000000000000000000000001' + '20010db8000000000000000000000002' + '0001ffff'
  const verified = { commonName: 'joe', certificateVerified: true }
  const rows: { why: string; bytes: Buffer | string; header: ProxyHeader }[] = [
    { why: 'v1 IPv4', bytes: 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 143\r\n', header: V4 },
    { why: 'v1 IPv6', bytes: 'PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n', header: V6 },
    {
      why: 'v1 IPv6 with IPv4 inside',
      bytes: 'PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 56324 143\r\n',
      header: V4,
    },
    { why: 'v1 unknown', bytes: 'PROXY UNKNOWN\r\n', header: {} },
    { why: 'v1 unknown, with what is to be ignored', bytes: 'PROXY UNKNOWN ffff::1 x y\r\n', header: {} },
    { why: 'v2 IPv4', bytes: v2('21', '11', V4_BODY), header: V4 },
    { why: 'v2 IPv6', bytes: v2('21', '21', v6Body), header: V6 },
    { why: 'v2 local, as health checks are', bytes: v2('20', '00', ''), header: {} },
    { why: 'v2 local, whatever else it says', bytes: v2('20', '11', V4_BODY), header: {} },
    {
      why: 'v2 ALPN and authority',
      bytes: v2('21', '11', `${V4_BODY}010004696d6170020003612e62`),
      header: { ...V4, alpn: 'imap', authority: 'a.b' },
    },
    { why: 'v2 padding and types nobody knows', bytes: v2('21', '11', `${V4_BODY}0400020000ee0001ff`), header: V4 },
    {
      why: 'v2 unique id',
      bytes: v2('21', '11', `${V4_BODY}0500020102`),
      header: { ...V4, uniqueId: Buffer.from([1, 2]) },
    },
    {
      why: 'v2 TLS with a certificate',
      bytes: v2('21', '11', `${V4_BODY}20000b03000000002200036a6f65`),
      header: { ...V4, tls: verified },
    },
    {
      why: 'v2 TLS, the certificate did not verify',
      bytes: v2('21', '11', `${V4_BODY}20000b03000000012200036a6f65`),
      header: { ...V4, tls: { ...verified, certificateVerified: false } },
    },
    {
      why: 'v2 TLS without a certificate: verify is 0 then as well',
      bytes: v2('21', '11', `${V4_BODY}2000050100000000`),
      header: { ...V4, tls: { certificateVerified: false } },
    },
    { why: 'v2 SSL block of a client without TLS', bytes: v2('21', '11', `${V4_BODY}2000050000000000`), header: V4 },
  ]
  for (const { why, bytes, header } of rows) {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    assert.deepEqual(parseProxyHeader(whole), { kind: 'header', header, sizeBytes: whole.length }, why)
    const followed = Buffer.concat([whole, Buffer.from('a NOOP\r\n')])
    assert.deepEqual(parseProxyHeader(followed), { kind: 'header', header, sizeBytes: whole.length }, why)
    for (let cut = 0; cut < whole.length; cut++) {
      assert.deepEqual(parseProxyHeader(whole.subarray(0, cut)), { kind: 'incomplete' }, `${why}, ${cut} bytes of it`)
    }
  }
})

test('what is no header is refused in the words of Dovecot', async () => {
  const rows: { bytes: Buffer | string; log: string }[] = [
    { bytes: 'a NOOP\r\n', log: 'haproxy: Client disconnected: Failed to read valid HAproxy data (rip=10.0.0.9)' },
    { bytes: 'PROXYX', log: 'haproxy: Client disconnected: Failed to read valid HAproxy data (rip=10.0.0.9)' },
    {
      bytes: '\r\n\r\n\0\r\nQUIX',
      log: 'haproxy: Client disconnected: Failed to read valid HAproxy data (rip=10.0.0.9)',
    },
    {
      bytes: '\x16\x03\x01\x02\0\x01',
      log: 'haproxy: Client disconnected: Failed to read valid HAproxy data (rip=10.0.0.9)',
    },
    { bytes: `PROXY TCP4 ${'1'.repeat(120)}`, log: 'haproxy: Client disconnected: Too long header (rip=10.0.0.9)' },
    {
      bytes: 'PROXY \r\n',
      log: 'haproxy(v1): Client disconnected: Field for proxied protocol is missing (rip=10.0.0.9)',
    },
    {
      bytes: 'PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n',
      log: "haproxy(v1): Client disconnected: Unknown proxied protocol (protocol=`UDP4', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY T\x1b[1m\r\n',
      log: "haproxy(v1): Client disconnected: Unknown proxied protocol (protocol=`T?[1m', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY TCP4\r\n',
      log: 'haproxy(v1): Client disconnected: Field for proxied remote address is missing (rip=10.0.0.9)',
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1\r\n',
      log: 'haproxy(v1): Client disconnected: Field for proxied local address is missing (rip=10.0.0.9)',
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1 2.2.2.2\r\n',
      log: 'haproxy(v1): Client disconnected: Field for proxied remote port is missing (rip=10.0.0.9)',
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n',
      log: 'haproxy(v1): Client disconnected: Field for proxied local port is missing (rip=10.0.0.9)',
    },
    {
      bytes: 'PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n',
      log: "haproxy(v1): Client disconnected: Proxied remote address is invalid (address=`1.1.1', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1 ::1 1 2\r\n',
      log: "haproxy(v1): Client disconnected: Proxied local address is invalid (address=`::1', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY TCP6 1.1.1.1 ::1 1 2\r\n',
      log: "haproxy(v1): Client disconnected: Proxied remote address is invalid (address=`1.1.1.1', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n',
      log: "haproxy(v1): Client disconnected: Proxied remote port is invalid (port=`65536', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1 2.2.2.2 1 +2\r\n',
      log: "haproxy(v1): Client disconnected: Proxied local port is invalid (port=`+2', rip=10.0.0.9)",
    },
    {
      bytes: 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n',
      log: "haproxy(v1): Client disconnected: Header line has spurius extra field (field=`3', rip=10.0.0.9)",
    },
    {
      bytes: v2('11', '11', V4_BODY),
      log: 'haproxy: Client disconnected: Unsupported protocol version (version=01, rip=10.0.0.9)',
    },
    { bytes: v2('21', '11', '', 1485), log: 'haproxy: Client disconnected: Too long header (rip=10.0.0.9)' },
    { bytes: v2('22', '11', V4_BODY), log: 'haproxy(v2): Client disconnected: Invalid command (cmd=02, rip=10.0.0.9)' },
    { bytes: v2('21', '12', V4_BODY), log: 'haproxy(v2): Client disconnected: Not using TCP (type=02, rip=10.0.0.9)' },
    {
      bytes: v2('21', '31', V4_BODY),
      log: 'haproxy(v2): Client disconnected: Unsupported address family (family=03, rip=10.0.0.9)',
    },
    {
      bytes: v2('21', '41', V4_BODY),
      log: 'haproxy(v2): Client disconnected: Unknown address family (family=04, rip=10.0.0.9)',
    },
    {
      bytes: v2('21', '11', V4_BODY.slice(2)),
      log: 'haproxy(v2): Client disconnected: IPv4 data is incomplete (rip=10.0.0.9)',
    },
    { bytes: v2('21', '21', V4_BODY), log: 'haproxy(v2): Client disconnected: IPv6 data is incomplete (rip=10.0.0.9)' },
    {
      bytes: v2('21', '11', `${V4_BODY}0100`),
      log: 'haproxy(v2): Client disconnected: Invalid TLV: header is cut (cmd=01, rip=10.0.0.9)',
    },
    {
      bytes: v2('21', '11', `${V4_BODY}01000561`),
      log: 'haproxy(v2): Client disconnected: Invalid TLV: value is cut (cmd=01, rip=10.0.0.9)',
    },
    {
      bytes: v2('21', '11', `${V4_BODY}03000400000000`),
      log: 'haproxy(v2): Client disconnected: Invalid TLV: checksum does not match (cmd=03, rip=10.0.0.9)',
    },
    {
      bytes: v2('21', '11', `${V4_BODY}02000361000a`),
      log: 'haproxy(v2): Client disconnected: Invalid TLV: value is not printable (cmd=02, rip=10.0.0.9)',
    },
    {
      bytes: v2('21', '11', `${V4_BODY}20000b03000000002200036a0065`),
      log: 'haproxy(v2): Client disconnected: Invalid TLV: value has a NUL (cmd=22, rip=10.0.0.9)',
    },
  ]
  for (const { bytes, log } of rows) {
    const { far, header } = incoming()
    const refused = assert.rejects(header(), { name: 'HaproxyRefused', message: log })
    far.write(bytes, 'latin1')
    await refused
  }
})

test('who is not trusted, or silent, or gone is told apart', async () => {
  const stranger = incoming(false)
  await assert.rejects(stranger.header(), { message: 'haproxy: Client not trusted (rip=10.0.0.9)' })
  const silent = incoming(true, 20)
  silent.far.write('PROXY TC')
  await assert.rejects(silent.header(), { message: 'haproxy: Client timed out (rip=10.0.0.9)' })
  const gone = incoming()
  gone.far.end('PROXY TC')
  await assert.rejects(gone.header(), {
    message: 'haproxy: Client disconnected: Failed to read full header (rip=10.0.0.9)',
  })
})

testEachWay('a header in single bytes, and not one byte behind it is lost', async (t, open) => {
  for (const version of ['v1', 'v2'] as const) {
    const { stream, far } = await open(t)
    const reading = readProxyHeader(stream, { trusts: () => true, timeoutMs: PATIENCE_MS })
    const bytes = Buffer.concat([writeProxyHeader(version, V4), Buffer.from('a NOOP\r\nb LOG')])
    for (const byte of bytes) {
      far.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual(await reading, V4)
    assert.equal(await stream.readLine(100), 'a NOOP')
    assert.equal((await stream.readBytes(5))?.toString(), 'b LOG')
    assert.equal(stream.ended, false, 'and the deadline is gone')
  }
})

test('the checksum is CRC-32C', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283, 'the check value everybody uses')
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa, '32 zeros')
})

const port = fc.nat(65535)
const ip4 = fc.ipV4()
const ip6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  bytes[0] = 0x20
  return [...new Uint16Array(bytes.buffer)].map((word) => word.toString(16)).join(':')
})
const word = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
})

test('what is written is read again', () => {
  const pair = (ip: fc.Arbitrary<string>) =>
    fc.record({ source: fc.record({ ip, port }), destination: fc.record({ ip, port }) }, { noNullPrototype: true })
  const tls = fc.record(
    {
      protocol: word,
      cipher: word,
      commonName: fc.constantFrom('joe', 'Jürgen', ''),
      certificateVerified: fc.boolean(),
    },
    { requiredKeys: ['certificateVerified'], noNullPrototype: true },
  )
  const uniqueId = fc.uint8Array({ maxLength: 128 }).map((bytes) => Buffer.from(bytes))
  const rest = fc.record({ alpn: word, authority: word, tls, uniqueId }, { requiredKeys: [], noNullPrototype: true })
  const read = (bytes: Buffer): ProxyHeader => {
    const parsed = parseProxyHeader(bytes)
    assert.ok(parsed.kind === 'header' && parsed.sizeBytes === bytes.length)
    return parsed.header
  }
  const normal = ({ ip, port: number }: Endpoint): Endpoint => ({ ip: normalizeIp(ip) ?? '', port: number })
  fc.assert(
    fc.property(fc.oneof(pair(ip4), pair(ip6)), rest, (addresses, more) => {
      const expected = { source: normal(addresses.source), destination: normal(addresses.destination) }
      assert.deepEqual(read(writeProxyHeader('v1', addresses)), expected)
      assert.deepEqual(read(writeProxyHeader('v2', { ...addresses, ...more } as ProxyHeader)), { ...expected, ...more })
    }),
  )
})

test('a header is never too long for the other side, and says when it knows nothing', () => {
  assert.equal(writeProxyHeader('v1', V4).toString(), 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 143\r\n')
  assert.equal(writeProxyHeader('v1', {}).toString(), 'PROXY UNKNOWN\r\n')
  assert.deepEqual(parseProxyHeader(writeProxyHeader('v2', {})), { kind: 'header', header: {}, sizeBytes: 16 })
  const mixed = { source: V6.source, destination: V4.destination }
  assert.equal(writeProxyHeader('v1', mixed).toString(), 'PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 1 143\r\n')
  const parsed = parseProxyHeader(writeProxyHeader('v2', mixed))
  assert.deepEqual(parsed.kind === 'header' && parsed.header, mixed, 'mapped addresses come back as IPv4')
})

test('no bytes make the reader throw', () => {
  const start = fc.constantFrom(
    V2_SIGNATURE,
    Buffer.from('PROXY TCP4 '),
    Buffer.alloc(0),
    v2('21', '11', '', 40),
    v2('21', '21', '', 60),
  )
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 120 }), (head, tail) => {
      const { kind } = parseProxyHeader(Buffer.concat([head, tail]))
      assert.ok(['incomplete', 'header', 'invalid'].includes(kind))
    }),
  )
})
