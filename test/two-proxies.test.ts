import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { CHAIN_DIALOGUES, type ChainDialogue } from './chain/dialogues.ts'
import type { ConfigText } from './peers/config-text.ts'
import { type LoginProtocol, loginListeners, startDovecot } from './peers/dovecot.ts'
import { dovecotFor, skipWithout } from './peers/peers.ts'
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

const PROTOCOLS = CHAIN_DIALOGUES.map(({ protocol }) => protocol)

/** A proxy that sends everybody to one place per protocol and believes what its neighbours say about the client. */
function proxyTo(
  target: (protocol: LoginProtocol) => number,
  fields: string,
  own?: (protocol: string) => number,
): ConfigText {
  return ({ port }) => `protocols = ${PROTOCOLS.join(' ')}
login_trusted_networks = 127.0.0.1/32
disable_plaintext_auth = no
auth_verbose = yes
${PROTOCOLS.map(
  (protocol) => `protocol ${protocol} {
  passdb {
    driver = static
    args = nopassword=y proxy=y host=127.0.0.1 port=${target(protocol)} ${fields}
  }
}
${loginListeners(protocol, own ?? port)}`,
).join('')}
# A place to fail for whoever asks about anything else.
passdb {
  driver = static
  args = password=none
}
`
}

function start(side: Side, config: ConfigText): Promise<Started> {
  return side === 'dovecot' ? startDovecot(config) : startPostern(config)
}

function skip(...sides: readonly Side[]): false | string {
  const dovecots = PROTOCOLS.map((protocol) => skipWithout(dovecotFor(protocol)))
  const reasons = sides.flatMap((side) => (side === 'dovecot' ? dovecots : [skipWithoutPostern()]))
  return reasons.find((reason) => reason !== false) ?? false
}

for (const [front, back] of PAIRS) {
  test(`the last backend knows the client through two proxies: ${front}, then ${back} [row 19 21 38: imap pop3 submission sieve]`, {
    skip: skip(front, back),
  }, async (t) => {
    const backends = new Map(
      await Promise.all(
        CHAIN_DIALOGUES.map(async ({ protocol, backend }) => [protocol, await startScriptedBackend(backend)] as const),
      ),
    )
    for (const backend of backends.values()) t.after(() => backend.close())
    const second = await start(
      back,
      proxyTo((protocol) => backends.get(protocol)?.port ?? 0, 'forward_second=two'),
    )
    t.after(() => second.stop())
    const first = await start(
      front,
      proxyTo((protocol) => second.ports[protocol] ?? 0, 'forward_first=one'),
    )
    t.after(() => first.stop())
    for (const dialogue of CHAIN_DIALOGUES) {
      await t.test(dialogue.protocol, async (inner) => {
        const backend = backends.get(dialogue.protocol)
        await followThrough(inner, dialogue, first, second, () => {
          assert.deepEqual(backend?.faults, [])
          return backend.connections[0]?.received ?? ''
        })
      })
    }
  })

  // Each hop renames the user, which keeps a proxy from seeing at once that the next is the first.
  test(`two proxies that point at each other stop: ${front} and ${back} [row 17: imap pop3 submission sieve]`, {
    skip: skip(front, back),
  }, async (t) => {
    const ports = await freePorts(2 * PROTOCOLS.length)
    const portOf = (half: number) => (protocol: string) =>
      ports[half * PROTOCOLS.length + PROTOCOLS.findIndex((name) => name === protocol)] ?? 0
    const fields = 'destuser=x%u'
    // Where a refusal reads like a temporary one every hop would try again, and each of those tries too.
    const once =
      (config: ConfigText): ConfigText =>
      (place) =>
        `login_proxy_max_reconnects = 0\n${config(place)}`
    const first = await start(front, once(proxyTo(portOf(1), fields, portOf(0))))
    t.after(() => first.stop())
    const second = await start(back, once(proxyTo(portOf(0), fields, portOf(1))))
    t.after(() => second.stop())
    for (const { protocol, login, loop } of CHAIN_DIALOGUES) {
      await t.test(protocol, async (inner) => {
        const client = await connectRaw({ port: portOf(0)(protocol) })
        inner.after(() => client.destroy())
        assert.equal(await login(client), loop)
      })
    }
  })
}

async function followThrough(
  t: TestContext,
  { protocol, login, welcome, told }: ChainDialogue,
  first: Started,
  second: Started,
  received: () => string,
): Promise<void> {
  const client = await connectRaw({ port: first.ports[protocol] ?? 0, localAddress: '127.0.5.7' })
  t.after(() => client.destroy())
  assert.equal(await login(client), welcome)
  const { ip, port, session, ttl, forward, connectedPort } = told(received())
  assert.deepEqual([ip, port, ttl], ['127.0.5.7', String(client.localPort), '3'])
  if (connectedPort !== undefined) assert.equal(connectedPort, String(first.ports[protocol]))
  assert.deepEqual(Object.fromEntries(forward), { first: 'one', second: 'two' })
  // Whoever leaves before Dovecot has told all that its backend said was never proxied, by its log.
  for (const proxy of [first, second]) {
    await proxy.waitForLog(
      (line) =>
        line.includes('Started proxying') && line.includes(`rip=127.0.5.7,`) && line.includes(`session=<${session}>`),
    )
  }
  client.destroy()
}
