import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigText } from './peers/config-text.ts'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import { skipWithoutPostern, startPostern } from './peers/postern.ts'
import { startScriptedBackend } from './peers/scripted-backend.ts'
import type { Started } from './peers/started.ts'
import { freePorts } from './support/free-ports.ts'
import { connectRaw } from './support/raw-client.ts'

type Side = 'dovecot' | 'postern'

const PAIRS: readonly (readonly [front: Side, back: Side])[] = [
  ['dovecot', 'dovecot'],
  ['dovecot', 'postern'],
  ['postern', 'dovecot'],
  ['postern', 'postern'],
]

/** A proxy that sends everybody to one place and believes what its neighbours say about the client. */
function proxyTo(target: number, fields: string, port?: number): ConfigText {
  return (place) => `protocols = imap
login_trusted_networks = 127.0.0.1/32
disable_plaintext_auth = no
auth_verbose = yes
passdb {
  driver = static
  args = nopassword=y proxy=y host=127.0.0.1 port=${target} ${fields}
}
service imap-login {
  inet_listener imap {
    port = ${port ?? place.port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
`
}

function start(side: Side, config: ConfigText): Promise<Started> {
  return side === 'dovecot' ? startDovecot(config) : startPostern(config)
}

function skip(...sides: readonly Side[]): false | string {
  const reasons = sides.map((side) => (side === 'dovecot' ? skipWithout('dovecot') : skipWithoutPostern()))
  return reasons.find((reason) => reason !== false) ?? false
}

for (const [front, back] of PAIRS) {
  test(`the last backend knows the client through two proxies: ${front}, then ${back}`, {
    skip: skip(front, back),
  }, async (t) => {
    const backend = await startScriptedBackend(async (wire) => {
      wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR ID AUTH=PLAIN] backend')
      await wire.expect(/^I ID /)
      await wire.expect('L LOGIN "joe" "secret"')
      wire.send('I OK', 'L OK [CAPABILITY IMAP4rev1] in')
    })
    t.after(() => backend.close())
    const second = await start(back, proxyTo(backend.port, 'forward_second=two'))
    t.after(() => second.stop())
    const first = await start(front, proxyTo(second.ports.imap ?? 0, 'forward_first=one'))
    t.after(() => first.stop())
    const client = await connectRaw({ port: first.ports.imap ?? 0, localAddress: '127.0.5.7' })
    t.after(() => client.destroy())
    await client.expect(/^\* OK /)
    client.send('a LOGIN joe secret')
    await client.expect('a OK [CAPABILITY IMAP4rev1] in')
    assert.deepEqual(backend.faults, [])

    const told = idPairs(backend.connections[0]?.received ?? '')
    assert.equal(told.get('x-originating-ip'), '127.0.5.7')
    assert.equal(told.get('x-originating-port'), String(client.localPort))
    assert.equal(told.get('x-connected-port'), String(first.ports.imap))
    assert.equal(told.get('x-proxy-ttl'), '3')
    assert.equal(told.get('x-forward-first'), 'one')
    assert.equal(told.get('x-forward-second'), 'two')
    client.destroy()
    const session = `session=<${told.get('x-session-id')}>`
    await first.waitForLog((line) => line.includes('Started proxying') && line.includes(session))
    await second.waitForLog((line) => line.includes('Started proxying') && line.includes(session))
  })

  // Each hop renames the user, which keeps a proxy from seeing at once that the next is the first.
  test(`two proxies that point at each other stop: ${front} and ${back}`, { skip: skip(front, back) }, async (t) => {
    const [one = 0, two = 0] = await freePorts(2)
    const first = await start(front, proxyTo(two, 'destuser=x%u', one))
    t.after(() => first.stop())
    const second = await start(back, proxyTo(one, 'destuser=x%u', two))
    t.after(() => second.stop())
    const client = await connectRaw({ port: one })
    t.after(() => client.destroy())
    await client.expect(/^\* OK /)
    client.send('a LOGIN joe secret')
    await client.expect('a NO [SERVERBUG] Account is temporarily unavailable.')
    client.destroy()
  })
}

function idPairs(received: string): Map<string, string> {
  const [, list = ''] = /^I ID \((.*)\)\r$/m.exec(received) ?? []
  return new Map([...list.matchAll(/"([^"]*)" "([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]))
}
