import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ImapcQuestion, imapcServer } from './imapc-server.ts'

const JANE = new Map([
  ['user', 'jane@example.org'],
  ['username', 'jane'],
  ['domain', 'example.org'],
])

const SHARED: ImapcQuestion = {
  user: 'jane@example.org',
  variables: (name) => JANE.get(name),
  owner: 'joe@example.com',
  server: undefined,
  settings: {
    imapc_host: 'b.test',
    imapc_port: 143,
    imapc_ssl: 'no',
    imapc_ssl_verify: true,
    imapc_user: '',
    imapc_master_user: '%u',
  },
}

test('as whom another server is asked', () => {
  const rows: readonly [
    why: string,
    settings: Partial<ImapcQuestion['settings']>,
    user: string,
    master: string | undefined,
  ][] = [
    ['the owner, by who asks', {}, 'joe@example.com', 'jane@example.org'],
    ['%u of imapc_user is the owner', { imapc_user: '%u' }, 'joe@example.com', 'jane@example.org'],
    ['so is %%u', { imapc_user: '%%u' }, 'joe@example.com', 'jane@example.org'],
    ['and %{owner_user}', { imapc_user: '%{owner_user}', imapc_master_user: '%n' }, 'joe@example.com', 'jane'],
    ['parts of the owner', { imapc_user: '%%n.%%d' }, 'joe.example.com', 'jane@example.org'],
  ]
  for (const [why, settings, user, master] of rows) {
    const server = imapcServer({ ...SHARED, settings: { ...SHARED.settings, ...settings } })
    assert.deepEqual([server.user, server.master, server.problem], [user, master, undefined], why)
  }
  const own = imapcServer({ ...SHARED, owner: undefined, settings: { ...SHARED.settings, imapc_master_user: '' } })
  assert.deepEqual([own.user, own.master, own.problem], ['jane@example.org', undefined, undefined])
})

test('a shared mailbox is not opened with the rights of its owner', () => {
  for (const imapc_master_user of ['', '%%u', '%{owner_user}']) {
    const server = imapcServer({ ...SHARED, settings: { ...SHARED.settings, imapc_master_user } })
    assert.match(server.problem ?? '', /all rights/, imapc_master_user)
  }
})

test('where another server is', () => {
  const there = { host: 'c.test' }
  const rows: readonly [why: string, question: Partial<ImapcQuestion>, is: string][] = [
    ['imapc_host', {}, 'b.test 143 undefined true'],
    [
      'the host of a domain',
      { settings: { ...SHARED.settings, imapc_host: 'mail.%d' } },
      'mail.example.com 143 undefined true',
    ],
    ['the databases know better', { server: there }, 'c.test 143 undefined true'],
    ['its port', { server: { ...there, port: 1143 } }, 'c.test 1143 undefined true'],
    ['TLS has a port of its own', { server: { ...there, tls: 'imaps' } }, 'c.test 993 imaps true'],
    ['any certificate', { server: { ...there, tls: 'starttls', anyCert: true } }, 'c.test 143 starttls false'],
    [
      'TLS by setting',
      { server: there, settings: { ...SHARED.settings, imapc_ssl: 'imaps' } },
      'c.test 993 imaps true',
    ],
    ['as written', { settings: { ...SHARED.settings, imapc_ssl: 'imaps' } }, 'b.test 143 imaps true'],
  ]
  for (const [why, question, is] of rows) {
    const { host, port, tls, verifies } = imapcServer({ ...SHARED, ...question })
    assert.equal(`${host} ${port} ${tls} ${verifies}`, is, why)
  }
})

test('who asks is the master user where the databases name the server', () => {
  const settings = { ...SHARED.settings, imapc_master_user: '' }
  assert.equal(imapcServer({ ...SHARED, settings, server: { host: 'c.test' } }).master, 'jane@example.org')
  assert.equal(imapcServer({ ...SHARED, server: { host: 'c.test', destuser: 'j2' } }).user, 'j2')
})

test('variables that nobody knows are a problem, and no fault', () => {
  const settings = { ...SHARED.settings, imapc_host: '%{nothing}' }
  assert.match(imapcServer({ ...SHARED, settings }).problem ?? '', /nothing/)
  assert.equal(imapcServer({ ...SHARED, settings: { ...settings, imapc_host: '' } }).problem, 'imapc_host is not set')
})
