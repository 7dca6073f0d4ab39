import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CHAIN_DIALOGUES, type ChainDialogue } from './chain/dialogues.ts'
import type { ConfigText } from './peers/config-text.ts'
import { loginListeners, startDovecot } from './peers/dovecot.ts'
import { dovecotFor, skipWithout } from './peers/peers.ts'
import { skipWithoutPostern, startPostern } from './peers/postern.ts'
import { type ScriptedBackend, startScriptedBackend } from './peers/scripted-backend.ts'
import type { Started } from './peers/started.ts'
import { askRows, eventually } from './support/control.ts'
import { connectRaw } from './support/raw-client.ts'
import { runPostern } from './support/run-postern.ts'
import { ServerProcess } from './support/server-process.ts'
import type { Wire } from './support/wire.ts'

/** Proxied sessions of the four protocols with a login, as the administrator sees them. */

const PROTOCOLS = CHAIN_DIALOGUES.map(({ protocol }) => protocol)
const MKFIFO = '/usr/bin/mkfifo'

type Backends = ReadonlyMap<string, ScriptedBackend>

async function startBackends(t: TestContext, behindHeader: boolean): Promise<Backends> {
  const started = CHAIN_DIALOGUES.map(async ({ protocol, backend }) => {
    const script = async (wire: Wire): Promise<void> => {
      if (behindHeader) await wire.expect(/^PROXY TCP4 127\.0\.5\.7 127\.0\.0\.1 \d+ \d+$/)
      await backend(wire)
    }
    return [protocol, await startScriptedBackend(script)] as const
  })
  const backends = new Map(await Promise.all(started))
  for (const backend of backends.values()) t.after(() => backend.close())
  return backends
}

/** Everybody is proxied to the backend of the protocol, with these fields besides. */
function proxyConfig(
  backends: Backends,
  fields: string,
  settings = '',
  settingsOf: (protocol: string) => string = () => '',
): ConfigText {
  return ({ dir, port }) => {
    const blocks = PROTOCOLS.map((protocol) => {
      const file = join(dir, `users-${protocol}`)
      writeFileSync(
        file,
        `joe:{PLAIN}secret::::::proxy host=127.0.0.1 port=${backends.get(protocol)?.port} ${fields}\n`,
      )
      chmodSync(file, 0o644)
      return `protocol ${protocol} {\n${settingsOf(protocol)}  passdb {\n    driver = passwd-file\n    args = ${file}\n  }\n}
${loginListeners(protocol, port)}`
    })
    return `protocols = ${PROTOCOLS.join(' ')}
disable_plaintext_auth = no
${blocks.join('')}
passdb {\n  driver = static\n  args = password=none\n}
${settings}
`
  }
}

async function logIn(t: TestContext, proxy: Started, { protocol, login, welcome }: ChainDialogue): Promise<Wire> {
  const client = await connectRaw({ port: proxy.ports[protocol] ?? 0, localAddress: '127.0.5.7' })
  t.after(() => client.destroy())
  assert.equal(await login(client), welcome)
  return client
}

test('sessions of every protocol are listed and kicked by their other names [row 40 41: imap pop3 submission sieve][row 41][field user_* haproxy: imap pop3 submission sieve]', {
  skip: skipWithoutPostern(),
}, async (t) => {
  const backends = await startBackends(t, true)
  const proxy = await startPostern(proxyConfig(backends, 'user_alt=j1 destuser=joe haproxy=v1'))
  t.after(() => proxy.stop())
  const doveadm = async (...args: string[]): Promise<string> =>
    (await runPostern(['doveadm', '-c', join(proxy.dir, 'dovecot.conf'), '-f', 'tab', ...args])).out
  const clients = await Promise.all(CHAIN_DIALOGUES.map((dialogue) => logIn(t, proxy, dialogue)))
  const listed = (await doveadm('proxy', 'list')).trim().split('\n')
  const rows = PROTOCOLS.map((protocol) =>
    ['joe', 'j1', protocol, '127.0.5.7', '127.0.0.1', backends.get(protocol)?.port].join('\t'),
  )
  assert.deepEqual(listed.slice(1).toSorted(), rows.toSorted())
  const who = (await doveadm('who', 'joe')).trim().split('\n').slice(1)
  assert.deepEqual(new Set(who.map((line) => line.split('\t')[2])), new Set<string | undefined>(PROTOCOLS))
  assert.equal(await doveadm('proxy', 'kick', '-f', 'user_alt', 'j1'), 'count\n4\n')
  await Promise.all(clients.map((client) => client.expectEnd()))
  for (const backend of backends.values()) assert.deepEqual(backend.faults, [])
})

for (const side of ['dovecot', 'postern'] as const) {
  const missing = PROTOCOLS.map((protocol) => skipWithout(dovecotFor(protocol))).find((reason) => reason !== false)
  const noFifo = existsSync(MKFIFO) ? false : 'mkfifo is not installed (Debian: apt-get install coreutils)'
  const skip = noFifo || (side === 'dovecot' ? (missing ?? false) : skipWithoutPostern())
  test(`${side} reports connected users and keeps what was said [row 45 48: imap pop3 submission sieve][field proxy_refresh: imap pop3 submission sieve]`, {
    skip,
  }, async (t) => {
    const backends = await startBackends(t, false)
    const reports = (protocol: string): string => `  login_proxy_notify_path = reports-${protocol}\n`
    const config = proxyConfig(backends, 'proxy_refresh=1', 'login_proxy_rawlog_dir = rawlogs', reports)
    const prepared: ConfigText = (place) => {
      if (side === 'postern') makePlaces(place.dir)
      return config(place)
    }
    const proxy = await (side === 'dovecot' ? startDovecot(prepared) : startPostern(prepared))
    t.after(() => proxy.stop())
    if (side === 'dovecot') makePlaces(proxy.dir)
    const dir = join(proxy.dir, 'run', 'login')
    const readers = PROTOCOLS.map((protocol) => readFifo(t, join(dir, `reports-${protocol}`)))
    const clients = await Promise.all(CHAIN_DIALOGUES.map((dialogue) => logIn(t, proxy, dialogue)))
    for (const reader of readers) assert.equal(await reader.waitForLine(/^/), 'joe')
    for (const client of clients) client.destroy()
    const ended = (line: string): boolean => line.includes('Disconnected by client')
    await proxy.waitForLog(() => proxy.logLines.filter(ended).length === PROTOCOLS.length)
    const files = readdirSync(join(dir, 'rawlogs'))
    assert.equal(files.length, 2 * PROTOCOLS.length)
    assert.ok(
      files.every((name) => /^\d{8}-\d{6}\.\d+\.\d+\.(?:in|out)$/.test(name)),
      files.join(' '),
    )
    // Nobody waits for these files.
    for (const [protocol, { connections }] of backends)
      await eventually(`${protocol}: what the backend heard is in a file`, () =>
        files.some((name) => rawText(join(dir, 'rawlogs', name)) === connections[0]?.received),
      )
  })
}

/** Without the times. */
function rawText(path: string): string {
  return readFileSync(path, 'latin1').replaceAll(/^\d+\.\d{6} /gm, '')
}

/** What an administrator makes before the settings can work. */
function makePlaces(dir: string): void {
  const login = join(dir, 'run', 'login')
  mkdirSync(join(login, 'rawlogs'), { recursive: true })
  chmodSync(join(login, 'rawlogs'), 0o1777)
  for (const protocol of PROTOCOLS) execFileSync(MKFIFO, ['-m', '666', join(login, `reports-${protocol}`)])
}

function readFifo(t: TestContext, path: string): ServerProcess {
  // While somebody holds the other end, the reader sees no end between two writers.
  const held = openSync(path, 'r+')
  t.after(() => closeSync(held))
  const reader = new ServerProcess({ command: 'cat', args: [path] })
  t.after(async () => void (await reader.stop()))
  return reader
}

test('one login tries a dead backend for all others, in every process [row 16: imap pop3 submission sieve][field proxy_host_immediate_failure_after: imap pop3 submission sieve]', {
  skip: skipWithoutPostern(),
}, async (t) => {
  const deaf = new ServerProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, 'support', 'deaf-server.ts')],
  })
  t.after(async () => void (await deaf.stop()))
  const port = Number(await deaf.waitForLine(/^\d+$/))
  // Its queue is full then, and the kernel drops what comes behind.
  const fillers = Array.from({ length: 4 }, () => connect({ host: '127.0.0.1', port }).on('error', () => undefined))
  t.after(() => fillers.forEach((socket) => socket.destroy()))
  const dead: Backends = new Map(PROTOCOLS.map((protocol) => [protocol, { port } as ScriptedBackend]))
  const fields = 'proxy_timeout=2s proxy_host_immediate_failure_after=1s'
  const proxy = await startPostern(proxyConfig(dead, fields, 'postern_workers = 2'))
  t.after(() => proxy.stop())
  const attempt = async ({ protocol, login, unavailable }: ChainDialogue): Promise<void> => {
    const client = await connectRaw({ port: proxy.ports[protocol] ?? 0 })
    t.after(() => client.destroy())
    assert.equal(await login(client), unavailable)
  }
  await Promise.all(CHAIN_DIALOGUES.map(attempt))
  // Whoever answers this has heard before what the others found out.
  await askRows(proxy, 'backends', null)
  await Promise.all([...CHAIN_DIALOGUES, ...CHAIN_DIALOGUES].map(attempt))
  const failures = (): string[] => proxy.logLines.filter((line) => line.includes('Error: proxy(joe,'))
  await proxy.waitForLog(() => failures().length === 3 * PROTOCOLS.length)
  const isAtOnce = /: connect\(127\.0\.0\.1, \d+\) failed: Host is down \(after 0 secs/
  const atOnce = failures().filter((line) => isAtOnce.test(line))
  // Two processes may begin their tries before either has told the other.
  assert.ok(atOnce.length >= 6, failures().join('\n'))
})
