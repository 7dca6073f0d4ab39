import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { socketPair } from '../../../test/support/socket-pair.ts'
import { until } from '../../../test/support/until.ts'
import { Wire } from '../../../test/support/wire.ts'
import { READ_AHEAD_BYTES } from '../../net/byte-stream.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import { PenaltyTable } from '../penalty.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testAuthInput } from '../testing/open-auth.ts'
import { verbose } from '../testing/service-options.ts'
import { openAuthService } from '../service.ts'
import { createAuthServer, type AuthServer } from './auth-server.ts'
import { AUTH_SERVER_LIMITS } from './limits.ts'

interface Under {
  readonly clock: FakeClock
  readonly server: AuthServer
  readonly log: readonly string[]
  /** A client that has introduced itself. */
  readonly connect: () => Promise<Wire>
  /** One that says nothing. */
  readonly accept: () => Promise<Wire>
}

const HELLO = 'VERSION\t1\t1\nCPID\t7\n'

async function open(t: TestContext, { maxConnections = 10, conf = '' } = {}): Promise<Under> {
  const clock = new FakeClock()
  const options = verbose(`auth_mechanisms = plain login\nauth_verbose = yes\n${conf}`, 'joe:{PLAIN}pass')
  const { input, log } = testAuthInput({ ...options, clock })
  const penalties = { table: new PenaltyTable(clock), key: Buffer.alloc(16) }
  const auth = await openAuthService({ ...input, needs: { ...input.needs, penalties } })
  const { observer } = input.needs
  const server = createAuthServer({
    observer,
    clock,
    auth: () => auth,
    verbose: () => true,
    debug: () => 'hidden',
    maxConnections: () => maxConnections,
  })
  t.after(() => auth.close())
  const accept = async (): Promise<Wire> => {
    const { near, far } = await socketPair(t)
    server.accept(new SocketStream(near))
    return new Wire(far, 'client')
  }
  return {
    clock,
    server,
    log,
    accept,
    async connect() {
      const wire = await accept()
      await wire.linesUntil(/^DONE$/)
      wire.sendRaw(HELLO)
      return wire
    },
  }
}

function plain(id: number, password = 'pass', more = ''): string {
  return `AUTH\t${id}\tPLAIN\tservice=smtp\trip=192.0.2.1${more}\tresp=${Buffer.from(`\0joe\0${password}`).toString('base64')}\n`
}

test('a client that failed before waits, unless it asks without penalties', async (t) => {
  const { clock, connect } = await open(t)
  const client = await connect()
  client.sendRaw(plain(1, 'bad'))
  assert.equal(await client.line(), 'FAIL\t1\tuser=joe')
  client.sendRaw(plain(2) + plain(3, 'pass', '\tno-penalty'))
  assert.equal(await client.line(), 'OK\t3\tuser=joe')
  await clock.advance(4_000)
  assert.equal(await client.line(), 'OK\t2\tuser=joe')
})

test('failures without penalties do not count', async (t) => {
  const { connect } = await open(t)
  const client = await connect()
  client.sendRaw(plain(1, 'bad', '\tno-penalty'))
  assert.equal(await client.line(), 'FAIL\t1\tuser=joe')
  client.sendRaw(plain(2))
  assert.equal(await client.line(), 'OK\t2\tuser=joe')
})

test('auth_failure_delay holds failures back and nothing else', async (t) => {
  const { clock, connect } = await open(t, { conf: 'auth_failure_delay = 2 secs' })
  const client = await connect()
  client.sendRaw(plain(1, 'bad', '\tno-penalty') + plain(2))
  assert.equal(await client.line(), 'OK\t2\tuser=joe')
  await until('the failure waits', () => clock.timers > 0)
  await clock.advance(3_000)
  assert.equal(await client.line(), 'FAIL\t1\tuser=joe')
})

test('a challenge that is not answered is forgotten', async (t) => {
  const { clock, connect, log } = await open(t)
  const client = await connect()
  client.sendRaw('AUTH\t1\tLOGIN\tservice=smtp\tsession=s\n')
  assert.match(await client.line(), /^CONT\t1\t/)
  await clock.advance(AUTH_SERVER_LIMITS.responseMs)
  assert.ok(
    log.includes('info auth: login(?,<s>): Request timed out waiting for client to continue authentication (150 secs)'),
    log.join('\n'),
  )
  client.sendRaw(`CONT\t1\tam9l\n${plain(1)}`)
  assert.equal(await client.line(), 'FAIL\t1\treason=Authentication request timed out')
  assert.equal(await client.line(), 'OK\t1\tuser=joe')
  assert.equal(clock.timers, 0)
})

test('a response that nobody asked for ends its request', async (t) => {
  const { connect, log } = await open(t)
  const client = await connect()
  client.sendRaw(plain(1, 'bad'))
  assert.equal(await client.line(), 'FAIL\t1\tuser=joe')
  client.sendRaw(`${plain(2)}CONT\t2\tam9l\n`)
  assert.equal(await client.line(), 'FAIL\t2\treason=Unexpected continuation')
  client.sendRaw(plain(3, 'pass', '\tno-penalty'))
  assert.equal(await client.line(), 'OK\t3\tuser=joe')
  assert.ok(!log.some((line) => line.startsWith('error ')), log.join('\n'))
})

test('no more than so many requests wait at a time', async (t) => {
  const { connect } = await open(t)
  const client = await connect()
  const ids = Array.from({ length: AUTH_SERVER_LIMITS.requests + 1 }, (_, index) => index + 1)
  client.sendRaw(ids.map((id) => `AUTH\t${id}\tPLAIN\tservice=smtp\n`).join(''))
  for (const id of ids.slice(0, -1)) assert.equal(await client.line(), `CONT\t${id}\t`)
  assert.equal(
    await client.line(),
    `FAIL\t${AUTH_SERVER_LIMITS.requests + 1}\tcode=temp_fail\treason=Too many authentication requests`,
  )
  client.sendRaw(`CONT\t1\t${Buffer.from('\0joe\0pass').toString('base64')}\n`)
  assert.equal(await client.line(), 'OK\t1\tuser=joe')
})

test('clients beyond the limit of connections are greeted when somebody leaves', async (t) => {
  const { connect, accept, log, server } = await open(t, { maxConnections: 1 })
  const first = await connect()
  first.sendRaw(plain(1))
  assert.equal(await first.line(), 'OK\t1\tuser=joe')
  const gone = await accept()
  const second = await accept()
  gone.destroy()
  assert.equal(server.size, 1)
  assert.equal(log.filter((line) => line.startsWith('warning master: service(auth): 1 connections')).length, 1)
  first.destroy()
  assert.equal(await second.line(), 'VERSION\t1\t2')
})

test('at the end clients that wait for an answer get it, others are closed', async (t) => {
  const { clock, connect, server, accept } = await open(t, { conf: 'auth_failure_delay = 2 secs' })
  const [idle, busy, asked] = [await connect(), await connect(), await connect()]
  busy.sendRaw(`AUTH\t1\tLOGIN\tservice=smtp\n${plain(2, 'bad')}`)
  assert.match(await busy.line(), /^CONT\t1\t/)
  asked.sendRaw('AUTH\t1\tLOGIN\tservice=smtp\n')
  assert.match(await asked.line(), /^CONT\t1\t/)
  await until('the failure waits', () => clock.timers >= 3)
  const ended = server.shutDown()
  await clock.advance(3_000)
  assert.equal(await busy.line(), 'FAIL\t2\tuser=joe')
  for (const client of [idle, busy, asked]) {
    await client.expectEnd()
    client.destroy()
  }
  await ended
  assert.equal(server.size, 0)
  const late = await accept()
  await late.expectEnd()
})

test('a client that does not read is not read any further', async (t) => {
  const { server } = await open(t)
  const [near, far] = duplexPair({ allowHalfOpen: true })
  t.after(() => far.destroy())
  server.accept(new SocketStream(near))
  const lines = 50_000
  // Answers are four times as long.
  far.write(`${HELLO}${'CONT\t7\tx\n'.repeat(lines)}`)
  await until('the answers pile up', () => near.writableNeedDrain)
  const limitBytes = 16 * READ_AHEAD_BYTES
  let heard = 0
  for await (const chunk of far) {
    assert.ok(near.writableLength < limitBytes, String(near.writableLength))
    heard += (chunk as Buffer).toString('latin1').split('\n').length - 1
    if (heard >= lines) break
  }
})

test('auth_debug shows what is said, without secrets', async (t) => {
  const { connect, log } = await open(t)
  const client = await connect()
  client.sendRaw(plain(1))
  assert.equal(await client.line(), 'OK\t1\tuser=joe')
  const shown = log.filter((line) => line.startsWith('debug auth: client '))
  assert.deepEqual(shown, [
    'debug auth: client in: AUTH\t1\tPLAIN\tservice=smtp\trip=192.0.2.1\tresp=<hidden>',
    'debug auth: client passdb out: OK\t1\tuser=joe',
  ])
})
