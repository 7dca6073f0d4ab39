import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { skipWithoutBare as skip, Told } from '../../../test/support/bare-pair.ts'
import { turn, until } from '../../../test/support/until.ts'
import { codeOf } from '../fault-text.ts'
import type { BareSocket } from './bare-socket.ts'
import { type BareTarget, connectBare } from './connect.ts'

interface Attempt {
  readonly socket: BareSocket
  readonly told: Told
  /** What `done` was given, each time; `ok` without an error. */
  readonly outcomes: string[]
}

function attempt(t: TestContext, target: BareTarget): Attempt {
  const outcomes: string[] = []
  const socket = connectBare(target, (error) =>
    outcomes.push(error === undefined ? 'ok' : `${(error as { syscall?: string }).syscall} ${codeOf(error)}`),
  )
  assert.ok(socket)
  assert.deepEqual(outcomes, [], 'never within the call')
  t.after(() => socket.destroy())
  return { socket, told: new Told(socket), outcomes }
}

async function listen(t: TestContext, ip = '127.0.0.1'): Promise<{ server: Server; port: number; accepted: Socket[] }> {
  const accepted: Socket[] = []
  const server = createServer((socket) => {
    accepted.push(socket.on('error', () => undefined).resume())
    socket.write('* OK\r\n')
  })
  server.listen(0, ip)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of accepted) socket.destroy()
  })
  return { server, port: (server.address() as AddressInfo).port, accepted }
}

/** A port where nobody listens. */
async function closedPort(t: TestContext, ip = '127.0.0.1'): Promise<number> {
  const { server, port } = await listen(t, ip)
  const closed = once(server, 'close')
  server.close()
  await closed
  return port
}

test('a connection comes up, IPv4 and IPv6, and reads when it is told to', { skip }, async (t) => {
  for (const ip of ['127.0.0.1', '::1']) {
    const { port, accepted } = await listen(t, ip)
    const { socket, told, outcomes } = attempt(t, { ip, port })
    await until('it is connected', () => outcomes.length > 0 && accepted.length > 0)
    assert.deepEqual(outcomes, ['ok'])
    assert.deepEqual([socket.remote().address, socket.remote().port], [ip, port])
    assert.equal(socket.local().port, accepted[0]?.remotePort)
    for (let turns = 0; turns < 10; turns++) await turn()
    assert.equal(told.text, '')
    socket.resume()
    await until('the greeting', () => told.text === '* OK\r\n')
  }
})

test('it comes from the address it is told', { skip }, async (t) => {
  for (const [ip, sourceIp] of [
    ['127.0.0.1', '127.0.77.9'],
    ['::1', '::1'],
  ] as const) {
    const { port, accepted } = await listen(t, ip)
    const { socket, outcomes } = attempt(t, { ip, port, sourceIp })
    await until('it is connected', () => outcomes.length > 0 && accepted.length > 0)
    assert.deepEqual([outcomes, accepted[0]?.remoteAddress, socket.local().address], [['ok'], sourceIp, sourceIp])
  }
})

test('each way of not getting there is told once, with the call that failed', { skip }, async (t) => {
  const { port } = await listen(t)
  const rows: { why: string; target: BareTarget; outcome: RegExp }[] = [
    {
      why: 'nobody listens',
      target: { ip: '127.0.0.1', port: await closedPort(t) },
      outcome: /^connect ECONNREFUSED$/,
    },
    {
      why: 'nobody listens, IPv6',
      target: { ip: '::1', port: await closedPort(t, '::1') },
      outcome: /^connect ECONNREFUSED$/,
    },
    {
      why: 'no address of ours',
      target: { ip: '127.0.0.1', port, sourceIp: '192.0.2.7' },
      outcome: /^bind EADDRNOTAVAIL$/,
    },
    {
      why: 'no address of ours, IPv6',
      target: { ip: '::1', port, sourceIp: '2001:db8::7' },
      outcome: /^bind EADDRNOTAVAIL$/,
    },
    {
      why: 'an address of the other family',
      target: { ip: '127.0.0.1', port, sourceIp: '::1' },
      outcome: /^bind EINVAL$/,
    },
    {
      why: 'an address of the other family, IPv6',
      target: { ip: '::1', port, sourceIp: '127.0.0.1' },
      outcome: /^bind EINVAL$/,
    },
    { why: 'no address at all', target: { ip: 'backend', port }, outcome: /^connect EINVAL$/ },
    {
      why: 'the broadcast address',
      target: { ip: '255.255.255.255', port },
      outcome: /^connect E(NETUNREACH|ACCES|INVAL)$/,
    },
    {
      why: 'another machine from a loopback address',
      target: { ip: '192.0.2.1', port, sourceIp: '127.0.0.1' },
      outcome: /^connect E/,
    },
  ]
  for (const { why, target, outcome } of rows) {
    const { socket, told, outcomes } = attempt(t, target)
    await until(why, () => outcomes.length > 0)
    assert.match(outcomes.join(), outcome, why)
    assert.deepEqual([told.news, socket.destroyed], [[], false], `${why}: its owner closes it`)
    socket.destroy()
    await until(`closed: ${why}`, () => told.news.includes('close'))
    assert.deepEqual([told.news, outcomes.length], [['close'], 1], why)
  }
})

test('our port is known when a connection is refused', { skip }, async (t) => {
  const { socket, outcomes } = attempt(t, { ip: '127.0.0.1', port: await closedPort(t) })
  await until('it is refused', () => outcomes.length > 0)
  assert.equal(socket.local().address, '127.0.0.1')
  assert.ok((socket.local().port ?? 0) > 0)
})

test('who destroys it while it connects hears no outcome', { skip }, async (t) => {
  const open = await listen(t)
  const rows = [
    { why: 'it would be accepted', target: { ip: '127.0.0.1', port: open.port } },
    { why: 'it would be refused', target: { ip: '127.0.0.1', port: await closedPort(t) } },
    { why: 'it failed already', target: { ip: '127.0.0.1', port: open.port, sourceIp: '192.0.2.7' } },
    { why: 'nobody would answer', target: { ip: '192.0.2.1', port: 143 } },
  ]
  for (const { why, target } of rows) {
    for (const turns of [0, 1]) {
      const { socket, told, outcomes } = attempt(t, target)
      for (let i = 0; i < turns && outcomes.length === 0; i++) await turn()
      const before = outcomes.length
      socket.destroy()
      await until(`closed: ${why}`, () => told.news.includes('close'))
      for (let i = 0; i < 5; i++) await turn()
      assert.deepEqual([told.news, outcomes.length], [['close'], before], why)
    }
  }
})

test('what is asked of it before it is connected does no harm', { skip }, async (t) => {
  const { port } = await listen(t)
  const { socket, told, outcomes } = attempt(t, { ip: '127.0.0.1', port })
  const done: string[] = []
  socket.end(() => done.push('end'))
  await until('the outcome', () => outcomes.length > 0 || socket.destroyed)
  socket.destroy()
  await until('it is closed', () => told.news.includes('close'))
  assert.deepEqual(done, ['end'])
})
