import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkNetworks } from './networks.ts'

const rows: { list: string; ip: string; allowed: boolean; invalid?: string[]; why: string }[] = [
  { list: '10.0.0.0/8', ip: '10.1.2.3', allowed: true, why: 'inside' },
  { list: '10.0.0.0/8', ip: '11.1.2.3', allowed: false, why: 'outside' },
  { list: '127.0.0.1', ip: '127.0.0.1', allowed: true, why: 'an address is a network of one' },
  { list: '127.0.0.1', ip: '127.0.0.2', allowed: false, why: 'and of no more' },
  { list: '10.0.0.0/8,192.168.0.0/16', ip: '192.168.9.9', allowed: true, why: 'commas separate' },
  { list: '10.0.0.0/8 ,  192.168.0.0/16', ip: '192.168.9.9', allowed: true, why: 'blanks do too' },
  { list: '0.0.0.0/0', ip: '8.8.8.8', allowed: true, why: 'everything' },
  { list: '0.0.0.0/0', ip: '2001:db8::1', allowed: false, why: 'every IPv4 address is no IPv6 address' },
  { list: '2001:db8::/32', ip: '2001:db8:1::1', allowed: true, why: 'IPv6' },
  { list: '::1', ip: '::1', allowed: true, why: 'IPv6 address' },
  { list: 'local', ip: '', allowed: true, why: 'no address is local' },
  { list: '10.0.0.0/8', ip: '', allowed: false, why: 'no address is in no network' },
  { list: 'local', ip: '127.0.0.1', allowed: false, why: 'loopback is not local' },
  { list: '', ip: '127.0.0.1', allowed: false, why: 'an empty list allows nobody' },
  {
    list: '10.0.0.0/33 mail 10.0.0.0/x, 10.1.1.1',
    ip: '10.1.1.1',
    allowed: true,
    invalid: ['10.0.0.0/33', 'mail', '10.0.0.0/x'],
    why: 'nonsense is skipped and told',
  },
]

for (const { list, ip, allowed, invalid = [], why } of rows) {
  test(`allow_nets=${JSON.stringify(list)} and ${ip || 'no address'}: ${why}`, () => {
    assert.deepEqual(checkNetworks(list, ip), { allowed, invalid })
  })
}
