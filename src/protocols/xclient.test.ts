import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { streamAndPeer, testBackendIo, testIdentity, testTarget } from '../../test/support/protocol-session.ts'
import type { ForwardedIdentity } from './protocol.ts'
import { formatXclient, parseXclient, XCLIENT_LINE_BYTES, xclientCommand } from './xclient.ts'

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\0', '\x01', '\t', '\r', '\n', ' ', '=', '+', '"', 'é', '€'),
    fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  ),
  maxLength: 30,
})
const fieldName = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)

test('what one proxy says another understands, whatever the fields hold', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.integer({ min: 1, max: 65_535 }),
      fc.stringMatching(/^[A-Za-z0-9+/]{16,32}$/),
      fc.integer({ min: 0, max: 5 }),
      fc.array(fc.tuple(fieldName, anyText), { maxLength: 4 }),
      (ip, port, session, ttl, entries) => {
        const forward = new Map(entries)
        const { line, dropped } = formatXclient({ remote: { ip, port }, session }, { ttl, forward })
        assert.match(line, /^XCLIENT [\x21-\x7e]+(?: [\x21-\x7e]+)*$/)
        assert.ok(line.length + 2 <= XCLIENT_LINE_BYTES)
        for (const name of dropped) forward.delete(name)
        assert.deepEqual(parseXclient(line.slice('XCLIENT '.length)), {
          remoteIp: ip,
          remotePort: port,
          session,
          ttl,
          ...(forward.size === 0 ? {} : { forward }),
        })
      },
    ),
  )
})

test('the line is as Dovecot writes it', () => {
  const forward = new Map([
    ['abc', 'val1'],
    ['k', 'x=y'],
    ['bool', null],
  ])
  assert.deepEqual(formatXclient(testIdentity, { ttl: 4, forward }), {
    line: 'XCLIENT ADDR=127.0.77.1 PORT=45311 SESSION=zCeS6dBg/7B/AE0B TTL=4 FORWARD=YWJjPXZhbDEJaz14PXkJYm9vbA==',
    dropped: [],
  })
})

test('a port that nobody knows is not told: Dovecot refuses port 0', () => {
  const identity = { remote: { ip: '192.0.2.7', port: 0 }, session: 'abc' }
  const { line } = formatXclient(identity, { ttl: 4, forward: new Map() })
  assert.equal(line, 'XCLIENT ADDR=192.0.2.7 SESSION=abc TTL=4')
})

test('fields that would make the line too long for its reader stay behind, with a warning that shows no control characters', () => {
  const { stream } = streamAndPeer()
  const io = testBackendIo(stream)
  const forward = new Map([
    ['big\r\nevil', 'x'.repeat(2000)],
    ['a', 'b'],
  ])
  assert.match(xclientCommand(io, testTarget({ forward })), / TTL=4 FORWARD=YT1i\r\n$/)
  assert.deepEqual(io.done.warnings, ['Not forwarding field forward_big??evil: it does not fit into XCLIENT'])
})

const ARGUMENTS: readonly (readonly [args: string, update: ForwardedIdentity | undefined, why: string])[] = [
  ['', {}, 'nothing'],
  ['ADDR=10.1.2.3', { remoteIp: '10.1.2.3' }, 'an address'],
  ['addr=::1', { remoteIp: '::1' }, 'IPv6, lower case'],
  ['ADDR=IPV6:2001:db8::7', { remoteIp: '2001:db8::7' }, 'as SMTP writes it'],
  ['ADDR=ipv6:10.1.2.3', undefined, 'IPv4 with the prefix of IPv6'],
  ['ADDR=fe80::1%eth0', undefined, 'a zone is of no use here'],
  ['ADDR=', undefined, 'an empty address'],
  ['ADDR=mail.example.org', undefined, 'a name'],
  ['ADDR=10.1.2.3\0', undefined, 'NUL'],
  ['PORT=0', undefined, 'no port'],
  ['PORT=65536', undefined, 'nor this'],
  ['PORT=-1', undefined, 'nor this'],
  ['PORT=25', { remotePort: 25 }, 'a port'],
  ['TTL=abc', undefined, 'no number'],
  ['TTL=', undefined, 'none at all'],
  ['TTL=100', { ttl: 5 }, 'more hops than there are'],
  ['TTL=0', { ttl: 0 }, 'the end'],
  [`SESSION=${'x'.repeat(64)}`, { session: 'x'.repeat(64) }, 'the longest session'],
  [`SESSION=${'x'.repeat(65)}`, {}, 'one more is ignored'],
  ['SESSION=a\x01b', {}, 'it goes into logs'],
  ['FORWARD=!!!', undefined, 'no base64'],
  ['FORWARD=', { forward: new Map() }, 'no fields'],
  ['FORWARD=YT1i', { forward: new Map([['a', 'b']]) }, 'a field'],
  ['FOO=bar', {}, 'a name nobody knows'],
  ['constructor=x', {}, 'another'],
  ['foo', {}, 'no value'],
  ['ADDR=10.1.2.3  PORT=77 ', { remoteIp: '10.1.2.3', remotePort: 77 }, 'more blanks than needed'],
  ['ADDR=10.0.0.1 ADDR=10.0.0.2', { remoteIp: '10.0.0.2' }, 'the later one counts'],
  ['ADDR=10.1.2.3 PORT=x', undefined, 'one of them makes no sense'],
]

test('arguments are read, or refused as a whole', () => {
  for (const [args, update, why] of ARGUMENTS) assert.deepEqual(parseXclient(args), update, why)
})

test('eight kilobytes of fields are read', () => {
  const value = 'x'.repeat(8000)
  const { forward } = parseXclient(`FORWARD=${Buffer.from(`a=${value}`).toString('base64')}`) ?? {}
  assert.equal(forward?.get('a'), value)
})
