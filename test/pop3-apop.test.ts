import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ConfigText } from './peers/config-text.ts'
import { loginListeners, startDovecot } from './peers/dovecot.ts'
import { dovecotFor, skipWithout } from './peers/peers.ts'
import { skipWithoutPostern, startPostern } from './peers/postern.ts'
import { startScriptedBackend } from './peers/scripted-backend.ts'
import { connectRaw } from './support/raw-client.ts'

const SIDES = [
  { side: 'dovecot', start: startDovecot, skip: skipWithout(dovecotFor('pop3')) },
  { side: 'postern', start: startPostern, skip: skipWithoutPostern() },
] as const

function proxyTo(target: number): ConfigText {
  return ({ dir, port }) => {
    const users = join(dir, 'users')
    const fields = `proxy host=127.0.0.1 port=${target}`
    writeFileSync(users, `joe:{PLAIN}secret:::::: ${fields} pass=other\nhash:{SHA256}x:::::: ${fields}\n`)
    chmodSync(users, 0o644)
    return `protocols = pop3
auth_mechanisms = plain apop
passdb {
  driver = passwd-file
  args = ${users}
}
${loginListeners('pop3', port)}`
  }
}

for (const { side, start, skip } of SIDES) {
  test(`an APOP client is proxied with the password from the database: ${side}`, { skip }, async (t) => {
    const backend = await startScriptedBackend(async (wire) => {
      wire.send('+OK backend')
      await wire.expect('USER joe')
      wire.send('+OK')
      await wire.expect('PASS other')
      wire.send('+OK in')
    })
    t.after(() => backend.close())
    const proxy = await start(proxyTo(backend.port))
    t.after(() => proxy.stop())
    const client = await connectRaw({ port: proxy.ports.pop3 ?? 0 })
    t.after(() => client.destroy())
    const [stamp = ''] = /<[^<>]+>$/.exec(await client.expect(/^\+OK .*<[^<>@]+@[^<>]+>$/)) ?? []
    const digest = (password: string): string =>
      createHash('md5')
        .update(stamp + password)
        .digest('hex')
    client.send(`APOP joe ${digest('wrong')}`)
    await client.expect('-ERR [AUTH] Authentication failed.')
    client.send(`APOP hash ${digest('secret')}`)
    await client.expect('-ERR [AUTH] Authentication failed.')
    client.send('AUTH APOP')
    await client.expect('-ERR [AUTH] Unsupported authentication mechanism.')
    client.send(`APOP joe ${digest('secret')}`)
    await client.expect('+OK in')
    assert.deepEqual(backend.faults, [])
  })
}
