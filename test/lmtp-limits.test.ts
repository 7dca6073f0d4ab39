import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { lmtpConfig } from './lmtp/peers.ts'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import { startPostern } from './peers/postern.ts'
import { connectRaw } from './support/raw-client.ts'
import type { Wire } from './support/wire.ts'

const missing = existsSync('/usr/lib/dovecot/lmtp')
  ? skipWithout('dovecot')
  : 'dovecot-lmtpd is not installed (Debian: apt-get install dovecot-lmtpd)'

for (const side of ['dovecot', 'postern'] as const) {
  test(`${side}: LMTP clients beyond the limit wait until somebody leaves [row 28: lmtp]`, {
    skip: side === 'dovecot' && missing,
  }, async (t) => {
    const config = lmtpConfig({ users: '', settings: 'service lmtp {\n  process_limit = 2\n}' })
    const server = await (side === 'dovecot'
      ? startDovecot(config)
      : startPostern((place) => `postern_workers = 1\n${config(place)}`))
    t.after(() => server.stop())
    const open = async (): Promise<Wire> => {
      const client = await connectRaw({ port: server.ports['lmtp'] ?? 0 })
      t.after(() => client.destroy())
      return client
    }
    const first = await open()
    await first.expect('220 proxy.test ready.')
    const second = await open()
    await second.expect('220 proxy.test ready.')
    const third = await open()
    await server.waitForLog(/master: Warning: service\(lmtp\): /)
    assert.equal(third.received, '')
    first.send('QUIT')
    await third.expect('220 proxy.test ready.')
    third.send('QUIT')
    await third.expect('221 2.0.0 Bye')
  })
}
