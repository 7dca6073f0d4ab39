import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { streamAndPeer, testSettings } from '../../test/support/protocol-session.ts'
import type { AuthService } from '../auth/auth.ts'
import { TlsContextCache } from '../net/tls-cache.ts'
import { silent } from '../observe/events.ts'
import { createLmtpService, type LmtpEnvironment } from './lmtp-services.ts'

test('what an LMTP client began with is in use until the client is gone, also while it waits to be greeted', async () => {
  const settings = testSettings()
  const tls = new TlsContextCache(randomBytes(48))
  const makeEnvironment = (): LmtpEnvironment => ({
    settings: () => settings,
    auth: {} as AuthService,
    hostname: 'mail.example.org',
    tlsAvailable: () => false,
    tlsContext: (from) => tls.server(from),
    localNames: false,
    proxySelf: new Set(),
    maxConnections: () => 1,
  })
  const [old, current] = [makeEnvironment(), makeEnvironment()]
  let environment = old
  const service = createLmtpService({ observer: silent, tlsContexts: tls }, () => environment)
  const open = (): ReturnType<typeof streamAndPeer> => {
    const client = streamAndPeer()
    service.accept(client.stream, { ssl: false })
    return client
  }
  const served = open()
  const waiting = open()
  environment = current
  assert.deepEqual([service.isUsed(old), service.isUsed(current)], [true, false])
  served.stream.destroy()
  for (let i = 0; i < 10; i++) await turn()
  assert.equal(service.isUsed(old), true)
  waiting.stream.destroy()
  for (let i = 0; i < 10; i++) await turn()
  assert.equal(service.isUsed(old), false)
})
