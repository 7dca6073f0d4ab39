import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../../test/support/memory-files.ts'
import { loadConfig } from '../../../config/load.ts'
import { ownerServer, ownServer } from './owner-server.ts'

const NEVER = { isSelf: () => Promise.resolve(false) }

test('where the databases send an owner', async () => {
  const rows: readonly [
    why: string,
    fields: Record<string, string>,
    from: 'passdb' | 'userdb',
    is: object | undefined,
  ][] = [
    ['proxy', { proxy: '', host: 'b.test' }, 'passdb', { host: 'b.test' }],
    ['proxy_maybe', { proxy_maybe: '', host: 'b.test', port: '1143' }, 'passdb', { host: 'b.test', port: 1143 }],
    ['a referral is for clients', { host: 'b.test' }, 'passdb', undefined],
    ['a userdb that says host', { host: 'b.test' }, 'userdb', { host: 'b.test' }],
    ['no host', { proxy: '' }, 'passdb', undefined],
    [
      'TLS from the first byte',
      { proxy: '', host: 'b', ssl: 'yes' },
      'passdb',
      { host: 'b', tls: 'imaps', anyCert: false },
    ],
    [
      'STARTTLS',
      { proxy: '', host: 'b', starttls: 'any-cert' },
      'passdb',
      { host: 'b', tls: 'starttls', anyCert: true },
    ],
    [
      'another name there',
      { proxy: '', host: 'b', destuser: 'j2', hostip: '192.0.2.1' },
      'passdb',
      { host: 'b', destuser: 'j2', hostip: '192.0.2.1' },
    ],
    [
      'secrets of the proxy stay where they are',
      { proxy: '', host: 'b', pass: 'x', master: 'm' },
      'passdb',
      { host: 'b' },
    ],
  ]
  for (const [why, fields, from, is] of rows)
    assert.deepEqual(await ownerServer(new Map(Object.entries(fields)), from, NEVER), is, why)
  const self = { isSelf: () => Promise.resolve(true) }
  assert.equal(
    await ownerServer(
      new Map([
        ['proxy_maybe', ''],
        ['host', 'a.test'],
      ]),
      'passdb',
      self,
    ),
    undefined,
  )
})

test('this server is an address of the machine with a port on which it speaks IMAP', async () => {
  const files = memoryFiles({
    '/conf':
      'protocols = imap\nauth_proxy_self = 192.0.2.7\nssl = no\nservice imap-login {\n  inet_listener imap {\n    port = 1143\n  }\n}\n',
  })
  const { config } = loadConfig({ path: '/conf', files, hostname: 'a.test' })
  assert.ok(config)
  const own = ownServer(() => config)
  const rows: readonly [host: string, port: number | undefined, is: boolean, why: string][] = [
    ['127.0.0.1', 1143, true, 'here'],
    ['127.0.0.1', 1144, false, 'another server of this machine'],
    ['127.0.0.1', undefined, true, 'the usual port'],
    ['192.0.2.7', 1143, true, 'auth_proxy_self'],
    ['192.0.2.8', 1143, false, 'another machine'],
  ]
  for (const [host, port, is, why] of rows) assert.equal(await own.isSelf(host, port), is, why)
})
