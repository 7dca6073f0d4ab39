import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type TestContext } from 'node:test'
import { skipWithoutBare } from '../../test/support/bare-pair.ts'
import { PATIENCE_MS, within } from '../../test/support/deadline.ts'
import type { ProxyHeader } from './haproxy-header.ts'
import { type Listener, type ListenerOptions, openListener } from './listener.ts'
import type { SocketStream } from './socket-stream.ts'

interface Opened {
  readonly listener: Listener
  readonly refusals: string[]
  readonly accepted: { stream: SocketStream; header: ProxyHeader | undefined }[]
  /** Connects and collects what comes. */
  readonly dial: () => Promise<{ socket: Socket; text: () => string; closed: Promise<unknown> }>
}

async function open(t: TestContext, options: Partial<ListenerOptions> = {}): Promise<Opened> {
  const refusals: string[] = []
  const accepted: Opened['accepted'] = []
  const address = options.address ?? '127.0.0.1'
  const listener = await openListener({
    address,
    port: 0,
    onConnection: (stream, header) => {
      accepted.push({ stream, header })
      stream.write('* OK\r\n')
    },
    onRefused: (text) => refusals.push(text),
    ...options,
  })
  t.after(() => listener.destroy())
  return { listener, refusals, accepted, dial: () => dial(t, listener.port, address) }
}

async function dial(t: TestContext, port: number, host = '127.0.0.1') {
  const socket = connect({ port, host }).setEncoding('latin1')
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed])
  return { socket, text: () => text, closed }
}

/** Connections by way of net.Socket, and bare ones. */
function testEachWay(name: string, body: (t: TestContext, bare: boolean) => Promise<void>): void {
  for (const bare of [false, true]) {
    test(`${name}: ${bare ? 'bare' : 'plain'}`, { skip: bare && skipWithoutBare }, async (t) => await body(t, bare))
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const looking = (async () => {
    while (!holds()) await sleep(2)
  })()
  await within(PATIENCE_MS, () => `never: ${what}`, looking)
}

testEachWay('connections come with their addresses, IPv4 and IPv6 side by side', async (t, bare) => {
  const v4 = await open(t, { bare, address: '0.0.0.0' })
  const v6 = await open(t, { bare, address: '::', port: v4.listener.port })
  assert.equal(v6.listener.port, v4.listener.port)
  const client = await dial(t, v4.listener.port, '127.0.0.1')
  await until('the greeting', () => client.text() === '* OK\r\n')
  assert.deepEqual(v4.accepted[0]?.stream.remote, { ip: '127.0.0.1', port: client.socket.localPort })
  const other = await dial(t, v6.listener.port, '::1')
  await until('the greeting', () => other.text() === '* OK\r\n')
  assert.equal(v6.accepted[0]?.stream.local.ip, '::1')
  assert.deepEqual([v4.listener.connections, v6.listener.connections], [1, 1])
  client.socket.destroy()
  await until('a connection is forgotten', () => v4.accepted[0]?.stream.ended === true)
  v4.accepted[0]?.stream.destroy()
  await until('it is gone', () => v4.listener.connections === 0)
})

testEachWay('a port that is taken is named', async (t, bare) => {
  const { listener } = await open(t, { bare })
  await assert.rejects(open(t, { bare, port: listener.port }), {
    message: `listen(127.0.0.1, ${listener.port}) failed: Address already in use`,
  })
  await assert.rejects(open(t, { bare, address: '192.0.2.1' }), {
    message: /^listen\(192\.0\.2\.1, 0\) failed: Cannot assign/,
  })
  const shared = await open(t, { bare, reusePort: true })
  await open(t, { bare, reusePort: true, port: shared.listener.port })
})

testEachWay('closing lets connections live, destroying does not', async (t, bare) => {
  const { listener, dial: dialHere } = await open(t, { bare })
  const client = await dialHere()
  await until('the greeting', () => client.text() !== '')
  listener.close()
  const late = await dialHere()
  await late.closed
  assert.equal(late.text(), '')
  assert.equal(client.socket.readyState, 'open')
  assert.equal(listener.connections, 1)
  listener.destroy()
  await client.closed
})

testEachWay('connections beyond the limit are closed, with one line in the log', async (t, bare) => {
  const { refusals, listener, dial: dialHere, accepted } = await open(t, { bare, maxConnections: 2 })
  const clients = await Promise.all([dialHere(), dialHere()])
  await until('both are in', () => accepted.length === 2)
  for (let i = 0; i < 5; i++) await (await dialHere()).closed
  assert.deepEqual(refusals, [`accept(127.0.0.1, ${listener.port}) failed: too many connections`])
  accepted[0]?.stream.destroy()
  await until('there is room', () => listener.connections === 1)
  const next = await dialHere()
  await until('the greeting', () => next.text() === '* OK\r\n')
  assert.ok(clients.length === 2)
})

testEachWay('a PROXY header is read before anybody hears of the connection', async (t, bare) => {
  const haproxy = { trusts: (ip: string) => ip === '127.0.0.1', timeoutMs: PATIENCE_MS }
  const { accepted, refusals, dial: dialHere } = await open(t, { bare, haproxy })
  const good = await dialHere()
  good.socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 143\r\na NOOP\r\n')
  await until('it is let in', () => accepted.length === 1)
  assert.deepEqual(accepted[0]?.header?.source, { ip: '192.0.2.1', port: 1 })
  assert.equal(await accepted[0]?.stream.readLine(100), 'a NOOP')
  const garbage = await dialHere()
  garbage.socket.write('a NOOP\r\n')
  await garbage.closed
  assert.deepEqual(refusals, ['haproxy: Client disconnected: Failed to read valid HAproxy data (rip=127.0.0.1)'])
  assert.equal(accepted.length, 1)
  const hasty = await open(t, { bare, haproxy: { ...haproxy, timeoutMs: 50 } })
  const silent = await hasty.dial()
  await silent.closed
  assert.equal(silent.text(), '', 'nothing is said before the header')
  assert.deepEqual([hasty.refusals, hasty.accepted], [['haproxy: Client timed out (rip=127.0.0.1)'], []])
})

function run(t: TestContext, command: string, args: readonly string[]): { child: ChildProcess; lines: string[] } {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines: string[] = []
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => lines.push(line))
  return { child, lines }
}

const script = (name: string) => fileURLToPath(new URL(`../../test/support/${name}.ts`, import.meta.url))

testEachWay('cluster workers share one port and its connections', async (t, bare) => {
  const { child, lines } = run(t, process.execPath, [script('cluster-listener'), ...(bare ? ['bare'] : [])])
  await until('both workers listen', () => lines.length === 2)
  const port = Number(lines[0])
  assert.deepEqual(lines, [String(port), String(port)])
  assert.ok(port > 0)
  const pids = new Set<string>()
  for (let i = 0; i < 200 && pids.size < 2; i++) {
    const clients = await Promise.all(Array.from({ length: 8 }, () => dial(t, port)))
    for (const client of clients) {
      await client.closed
      assert.match(client.text(), /^\d+\r\n$/)
      pids.add(client.text())
    }
  }
  assert.equal(pids.size, 2)
  const exited = once(child, 'exit')
  child.stdin?.end()
  await exited
})

testEachWay(
  'without file descriptors left it neither dies nor spins, and goes on when there are some',
  async (t, bare) => {
    const { child, lines } = run(t, '/bin/sh', [
      '-c',
      `ulimit -n 40; exec "$0" "$@"`,
      process.execPath,
      script('crowded-listener'),
      ...(bare ? ['bare'] : []),
    ])
    await until('it listens', () => lines.length === 1)
    const port = Number(lines[0])
    const clients = await Promise.all(Array.from({ length: 60 }, () => dial(t, port)))
    const greeted = () => clients.filter((client) => client.text() !== '')
    await until('some are greeted', () => greeted().length > 5)
    await sleep(500)
    assert.ok(greeted().length < 60)
    for (const client of clients) client.socket.destroy()
    const next = async (): Promise<boolean> => {
      const client = await dial(t, port)
      await Promise.race([client.closed, once(client.socket, 'data')])
      return client.text() !== ''
    }
    const recovered = (async () => {
      while (!(await next())) await sleep(20)
    })()
    await within(PATIENCE_MS, () => 'it accepts nobody any more', recovered)
    child.stdin?.end()
    await until('the processor time', () => lines.some((line) => line.startsWith('cpu ')))
    const cpuMs = Number(/^cpu ([\d.]+)/.exec(lines.at(-1) ?? '')?.[1])
    assert.ok(cpuMs < 300, `${cpuMs} ms of processor time`)
  },
)
