import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type FilterSpec,
  compareSpecificity,
  matchesFilter,
  nestFilter,
  parseNet,
  printNet,
  queryOf,
} from './filter.ts'

const files = { read: () => '', glob: () => [], resolveHost: (name: string) => (name === 'mail' ? ['192.0.2.1'] : []) }

/** A filter from its blocks, outermost first. */
function spec(...blocks: readonly (readonly [type: string, name: string])[]): FilterSpec {
  let filter: FilterSpec = {}
  for (const [type, name] of blocks) {
    const nested = nestFilter(filter, type, name, files)
    assert.ok(!('error' in nested), JSON.stringify(nested))
    filter = nested
  }
  return filter
}

describe('matching', () => {
  const rows: readonly [
    filter: FilterSpec,
    connection: Parameters<typeof queryOf>[0],
    matches: boolean,
    why: string,
  ][] = [
    [spec(['protocol', 'imap']), { protocol: 'imap' }, true, 'the protocol'],
    [spec(['protocol', 'imap']), {}, false, 'no protocol is not any protocol'],
    [spec(['protocol', '!imap']), { protocol: 'pop3' }, true, 'another protocol'],
    [spec(['protocol', '!imap']), {}, false, 'a named one, though'],
    [spec(['remote', '10.0.0.0/8']), { remoteIp: '10.1.2.3' }, true, 'inside the network'],
    [spec(['remote', '10.0.0.0/8']), { remoteIp: '::ffff:10.1.2.3' }, true, 'as a mapped address too'],
    [spec(['remote', '10.0.0.0/8']), { remoteIp: '::1' }, false, 'another family'],
    [spec(['remote', '10.0.0.0/8']), { remoteIp: 'nonsense' }, false, 'no address at all'],
    [spec(['remote', '0.0.0.0/0']), {}, true, 'a network of no bits is no condition'],
    [spec(['local', 'mail']), { localIp: '192.0.2.1' }, true, 'a host name stands for its address'],
    [spec(['local_name', 'a.org b.org']), { localName: 'B.org' }, true, 'one of several names, in any case'],
    [spec(['local_name', '*.a.org']), { localName: 'x.a.org' }, true, 'a wildcard for a label'],
    [spec(['local_name', '*.a.org']), { localName: 'x.y.a.org' }, false, 'for one label'],
    [spec(['local_name', '*.a.org']), { localName: 'a.org' }, false, 'for one that is there'],
  ]
  for (const [filter, connection, matches, why] of rows) {
    test(why, () => assert.equal(matchesFilter(filter, queryOf(connection)), matches))
  }
})

test('special blocks come before general ones', () => {
  const ordered = [
    spec(['local_name', 'x']),
    spec(['local', '10.0.0.0/16'], ['protocol', 'imap']),
    spec(['local', '10.0.0.0/16']),
    spec(['local', '10.0.0.0/8'], ['remote', '192.0.2.1']),
    spec(['remote', '192.0.2.0/24']),
    spec(['protocol', 'imap']),
    spec(),
  ]
  assert.deepEqual(ordered.toReversed().toSorted(compareSpecificity), ordered)
})

describe('networks', () => {
  const rows: readonly [text: string, printed: string, why: string][] = [
    ['10.0.0.1', '10.0.0.1', 'an address'],
    ['10.0.0.1/32', '10.0.0.1', 'all of its bits are not printed'],
    ['2001:DB8:0:0:1::/80', '2001:db8:0:0:1::/80', 'IPv6 in its short form'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1', 'mapped addresses keep their dots'],
    ['[::1]', '::1', 'brackets go'],
    ['10.1', '10.0.0.1', 'short forms as inet_aton reads them'],
    ['mail/24', '192.0.2.1/24', 'a host with a mask'],
  ]
  for (const [text, printed, why] of rows) {
    test(why, () => {
      const net = parseNet(text, files)
      assert.ok(!('error' in net))
      assert.equal(printNet(net), printed)
    })
  }

  test('what is wrong is told in the words of Dovecot', () => {
    assert.deepEqual(parseNet('10.0.0.0/40', files), { error: 'Invalid network mask: 40' })
    assert.deepEqual(parseNet('nowhere', files), { error: 'gethostbyname(nowhere) failed: Name or service not known' })
  })
})
