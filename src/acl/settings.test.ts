import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aclUserName, inheritanceIn, readAclSettings } from './settings.ts'

function read(plugin: Readonly<Record<string, string>>) {
  return readAclSettings(new Map(Object.entries(plugin)))
}

function on(plugin: Readonly<Record<string, string>>) {
  const outcome = read({ acl: 'vfile', ...plugin })
  assert.ok(outcome.kind === 'on', JSON.stringify(outcome))
  return outcome.settings
}

const backends: [acl: string, result: string, why: string][] = [
  ['vfile', ' 30000', 'no global entries, believed for 30 seconds'],
  ['vfile:/etc/acls', '/etc/acls 30000', 'a global path'],
  ['vfile:/etc/acls:cache_secs=300', '/etc/acls 300000', 'and how long it is believed'],
  ['vfile::cache_secs=0', ' 0', 'a time without a path'],
  ['posix', 'Unknown ACL backend: posix', 'no other backend'],
  ['yes', 'Unknown ACL backend: yes', 'what an empty userdb field becomes'],
  ['vfile:/x:foo=1', 'acl vfile: Unknown parameter: foo=1', 'an unknown parameter'],
  ['vfile:/x:cache_secs=abc', 'acl vfile: Invalid cache_secs value: abc', 'no number'],
  ['vfile:/x:cache_secs=-1', 'acl vfile: Invalid cache_secs value: -1', 'a negative number'],
]

for (const [acl, result, why] of backends) {
  test(`acl = ${acl}: ${why}`, () => {
    const outcome = read({ acl })
    assert.equal(
      outcome.kind === 'on'
        ? `${outcome.settings.globalPath ?? ''} ${outcome.settings.cacheMs}`
        : outcome.kind === 'fault' && outcome.log,
      result,
    )
  })
}

test('without acl there are no ACLs', () => {
  assert.deepEqual(read({}), { kind: 'off' })
  assert.deepEqual(read({ acl: '' }), { kind: 'off' })
})

test('groups are split at commas, blanks are part of them', () => {
  assert.deepEqual([...on({ acl_groups: 'g1, g2' }).groups], ['g1', ' g2'])
  assert.deepEqual([...on({}).groups], [])
})

test('a great many groups are no trouble', () => {
  const names = Array.from({ length: 20_000 }, (_, at) => `group-number-${at}`)
  assert.equal(on({ acl_groups: names.join(',') }).groups.size, 20_000)
})

test('acl_anyone allows only with the word allow', () => {
  assert.ok(on({ acl_anyone: 'allow' }).allowsAnyone)
  assert.ok(!on({ acl_anyone: 'yes' }).allowsAnyone)
})

const switches: [value: string, isOn: boolean][] = [
  ['yes', true],
  ['', true],
  ['1', true],
  ['no', false],
  ['N', false],
  ['0', false],
  ['false', false],
]

for (const [value, isOn] of switches) {
  test(`acl_globals_only = ${value} is ${isOn ? 'on' : 'off'}`, () => {
    assert.equal(on({ acl_globals_only: value }).globalsOnly, isOn)
  })
}

test('ignored namespaces are numbered without gaps', () => {
  const settings = on({ acl_ignore_namespace: 'a/', acl_ignore_namespace2: 'b/*', acl_ignore_namespace4: 'c/' })
  assert.deepEqual(settings.ignoredNamespaces, ['a/', 'b/*'])
})

test('inheritance is copied unless it is live', () => {
  assert.equal(on({}).inherit, 'copy')
  assert.equal(on({ acl_inherit: 'live' }).inherit, 'live')
  assert.deepEqual(read({ acl: 'vfile', acl_inherit: 'yes' }), {
    kind: 'fault',
    log: 'acl: Invalid acl_inherit value: yes',
  })
})

test('each namespace may inherit in its own way', () => {
  const settings = on({ acl_inherit_public: 'live', 'acl_inherit_my team': 'copy', acl_inheritance: 'x' })
  assert.deepEqual(
    ['public', 'my team', 'shared', ''].map((name) => inheritanceIn(settings, name)),
    ['live', 'copy', 'copy', 'copy'],
  )
  assert.equal(inheritanceIn(on({ acl_inherit: 'live', acl_inherit_inbox: 'copy' }), 'inbox'), 'copy')
  assert.equal(inheritanceIn(on({ acl_inherit: 'live', acl_inherit_inbox: 'copy' }), 'public'), 'live')
  assert.deepEqual(read({ acl: 'vfile', acl_inherit_public: 'yes' }), {
    kind: 'fault',
    log: 'acl: Invalid acl_inherit_public value: yes',
  })
})

test('entries are matched with acl_user, else the master user, else who logged in', () => {
  assert.equal(aclUserName(on({ acl_user: 'joe' }), 'admin', 'jane'), 'joe')
  assert.equal(aclUserName(on({}), 'admin', 'jane'), 'admin')
  assert.equal(aclUserName(on({}), undefined, 'jane'), 'jane')
})
