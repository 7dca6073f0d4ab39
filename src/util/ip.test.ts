import assert from 'node:assert/strict'
import { BlockList, isIPv4 as isNodesIPv4 } from 'node:net'
import test from 'node:test'
import fc from 'fast-check'
import { ipBytes, ipFamily, ipFromBytes, isIPv4, normalizeIp, parseNetworks, sameIp } from './ip.ts'

test('an address is written one way', () => {
  const rows: { why: string; text: string; normal: string | undefined }[] = [
    { why: 'plain IPv4', text: '127.0.0.1', normal: '127.0.0.1' },
    { why: 'mapped, as a dual-stack listener reports it', text: '::ffff:10.1.2.3', normal: '10.1.2.3' },
    { why: 'mapped in hexadecimal', text: '::ffff:0a01:0203', normal: '10.1.2.3' },
    { why: 'zeros are compressed and letters small', text: '2001:DB8:0:0:0:0:0:1', normal: '2001:db8::1' },
    { why: 'a zone says which link, not which address', text: 'fe80::1%eth0', normal: 'fe80::1' },
    { why: 'leading zeros could be octal', text: '010.0.0.1', normal: undefined },
    { why: 'short forms are not addresses', text: '127.1', normal: undefined },
    { why: 'a name', text: 'localhost', normal: undefined },
    { why: 'nothing', text: '', normal: undefined },
    { why: 'a newline from a database row', text: '127.0.0.1\n', normal: undefined },
  ]
  for (const { why, text, normal } of rows) assert.equal(normalizeIp(text), normal, why)
})

test('what is an IPv4 address is the same as to Node', () => {
  const piece = fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom('', '0', '00', '01', ' 1', '1 ', 'x', '-1'))
  const texts = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('.'))
  fc.assert(fc.property(texts, (text) => isIPv4(text) === isNodesIPv4(text)))
  for (const text of ['255.255.255.255', '0.0.0.0', '1.2.3.4.', '.1.2.3', '1..2.3', '256.1.1.1', '1.2.3.4\n']) {
    assert.equal(isIPv4(text), isNodesIPv4(text), text)
  }
})

test('equality is about addresses, not texts', () => {
  assert.ok(sameIp('::ffff:127.0.0.1', '127.0.0.1'))
  assert.ok(sameIp('::1', '0:0:0:0:0:0:0:1'))
  assert.ok(!sameIp('127.0.0.1', '127.0.0.2'))
  assert.ok(!sameIp('nonsense', 'nonsense'))
})

test('family and bytes follow the normal form', () => {
  assert.equal(ipFamily('::ffff:1.2.3.4'), 4)
  assert.equal(ipFamily('::1'), 6)
  assert.equal(ipFamily('x'), undefined)
  assert.deepEqual(ipBytes('::ffff:1.2.3.4'), Buffer.from([1, 2, 3, 4]))
  assert.equal(ipBytes('::1')?.length, 16)
  assert.equal(ipFromBytes(Buffer.from('20010db8000000000000000000000001', 'hex')), '2001:db8::1')
})

test('networks are listed with commas and blanks', () => {
  const rows: { why: string; list: string; yes: string[]; no: string[]; invalid?: string[] }[] = [
    { why: 'empty means nobody', list: '', yes: [], no: ['127.0.0.1', '::1'] },
    {
      why: 'single addresses',
      list: '10.0.0.1, ::1',
      yes: ['10.0.0.1', '::1', '::ffff:10.0.0.1'],
      no: ['10.0.0.2', '::2'],
    },
    { why: 'a network', list: '192.168.4.0/22', yes: ['192.168.7.255'], no: ['192.168.8.0'] },
    { why: 'host bits are ignored', list: '10.1.2.3/8', yes: ['10.255.0.1'], no: ['11.0.0.1'] },
    { why: 'zero bits are everyone of that family', list: '0.0.0.0/0', yes: ['8.8.8.8'], no: ['::1'] },
    { why: 'addresses above 127 have the sign bit', list: '200.0.0.0/5', yes: ['207.1.1.1'], no: ['208.0.0.1'] },
    { why: 'IPv6 not on a word border', list: '2001:db8::/33', yes: ['2001:db8:7fff::1'], no: ['2001:db8:8000::1'] },
    { why: 'a mapped network counts from 96', list: '::ffff:10.0.0.0/104', yes: ['10.9.9.9'], no: ['11.0.0.1'] },
    {
      why: 'a mapped network above 96 bits',
      list: '::ffff:0:0/32',
      yes: [],
      no: ['10.0.0.1'],
      invalid: ['::ffff:0:0/32'],
    },
    {
      why: 'nonsense matches nothing',
      list: 'x 10.0.0.0/33 10.0.0.1',
      yes: ['10.0.0.1'],
      no: ['x'],
      invalid: ['x', '10.0.0.0/33'],
    },
    { why: 'what is no address lies nowhere', list: '0.0.0.0/0', yes: [], no: ['', 'unix', '1.2.3.4.5'] },
  ]
  for (const { why, list, yes, no, invalid } of rows) {
    const networks = parseNetworks(list)
    for (const ip of yes) assert.ok(networks.has(ip), `${why}: ${ip}`)
    for (const ip of no) assert.ok(!networks.has(ip), `${why}: not ${ip}`)
    assert.deepEqual(networks.invalid, invalid ?? [], why)
  }
  assert.equal(parseNetworks('10.0.0.0/8'), parseNetworks('10.0.0.0/8'), 'the same text is read once')
})

test('networks agree with net.BlockList', () => {
  const bytes = (count: number) => fc.uint8Array({ minLength: count, maxLength: count })
  fc.assert(
    fc.property(bytes(4), fc.nat(32), bytes(4), fc.nat(32), (net, bits, other, shared) => {
      // Half of the addresses share a prefix with the network, or nearly all would miss.
      const address = other.map((byte, i) => (i * 8 < shared ? (net[i] as number) : byte))
      const list = new BlockList()
      list.addSubnet(ipFromBytes(net), bits)
      assert.equal(
        parseNetworks(`${ipFromBytes(net)}/${bits}`).has(ipFromBytes(address)),
        list.check(ipFromBytes(address)),
      )
    }),
  )
  fc.assert(
    fc.property(bytes(16), fc.nat(128), bytes(16), fc.nat(16), (net, bits, other, shared) => {
      const address = other.map((byte, i) => (i < shared ? (net[i] as number) : byte))
      const [left, right] = [ipFromBytes(net), ipFromBytes(address)]
      if (!left.includes(':') || !right.includes(':')) return
      const list = new BlockList()
      list.addSubnet(left, bits, 'ipv6')
      assert.equal(parseNetworks(`${left}/${bits}`).has(right), list.check(right, 'ipv6'))
    }),
  )
})
