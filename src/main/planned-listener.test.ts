import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { testSettings } from '../../test/support/protocol-session.ts'
import { connectRaw } from '../../test/support/raw-client.ts'
import { silent } from '../observe/events.ts'
import { openPlannedListener } from './planned-listener.ts'

const plan = {
  service: 'imap-login',
  name: 'imap',
  protocol: 'imap',
  address: '127.0.0.1',
  port: 0,
  ssl: false,
  haproxy: false,
  reusePort: false,
} as const

for (const bare of [false, true]) {
  test(`who came before a configuration was given up is not left waiting${bare ? ': bare' : ''}`, async (t) => {
    const settings = testSettings({ postern_bare_sockets: bare })
    const listener = await openPlannedListener(
      plan,
      () => settings,
      silent,
      () => assert.fail('it was never to begin'),
    )
    const client = await connectRaw({ port: listener.port })
    t.after(() => client.destroy())
    for (let i = 0; i < 10; i++) await turn()
    listener.close()
    await client.expectEnd()
  })
}
