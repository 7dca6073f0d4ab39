import assert from 'node:assert/strict'
import { mock, type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { DialOptions } from '../../src/net/dial.ts'
import type { SocketStream } from '../../src/net/socket-stream.ts'
import { makeCertificate } from '../support/certificates.ts'
import { type Peer, streamAndPeer } from '../support/protocol-session.ts'
import { serving } from '../support/tls-settings.ts'
import { createDoor, type Door, type DoorOptions } from './door.ts'
import { toy } from './toy-protocol.ts'

/** A stranger without a network, and a clock in the test's hand. */
function enter(t: TestContext, options: DoorOptions = {}): { door: Omit<Door, 'port' | 'client'>; peer: Peer } {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const monotonic = mock.method(performance, 'now', () => Date.now())
  t.after(() => {
    monotonic.mock.restore()
    mock.timers.reset()
  })
  const door = createDoor({ now: () => Date.now(), ...options })
  const { stream, peer } = streamAndPeer()
  const setDeadline = stream.setDeadline.bind(stream)
  // Mocked timers cannot be refreshed.
  stream.setDeadline = (ms) => {
    setDeadline(undefined)
    setDeadline(ms)
  }
  door.service.accept(stream, { protocol: toy, listenerName: 'imap', ssl: false })
  return { door, peer }
}

async function pass(secs: number): Promise<void> {
  for (let i = 0; i < 10; i++) await turn()
  for (let i = 0; i < secs; i++) {
    mock.timers.tick(1_000)
    await turn()
  }
  for (let i = 0; i < 10; i++) await turn()
}

const written = (peer: Peer): string => peer.writes.join('')

test('a stranger who says nothing is sent away after three minutes', async (t) => {
  const { door, peer } = enter(t)
  await pass(179)
  assert.equal(written(peer), '* OK Dovecot (Debian) ready.\r\n')
  await pass(1)
  assert.ok(written(peer).endsWith('* BYE idle\r\n'), written(peer))
  assert.match(door.log.at(-1) ?? '', /Disconnected: Inactivity \(no auth attempts in 180 secs\): user=<>/)
  assert.equal(door.service.registry.size, 0)
})

test('one who only chats is sent away just the same', async (t) => {
  const { door, peer } = enter(t)
  for (let i = 0; i < 18; i++) {
    peer.send('a NOOP\r\n')
    await pass(10)
  }
  assert.ok(written(peer).endsWith('* BYE idle\r\n'))
  assert.equal(door.service.registry.size, 0)
})

test('a try to log in gives three minutes more', async (t) => {
  const { door, peer } = enter(t)
  await pass(170)
  peer.send('a LOGIN joe pw\r\n')
  await pass(170)
  assert.equal(door.service.registry.size, 1)
  await pass(10)
  assert.match(door.log.at(-1) ?? '', /Disconnected: Inactivity \(auth failed, 1 attempts in 180 secs\): user=<joe>/)
})

test('what a stranger began with is in use until the stranger is gone', async (t) => {
  const { door, peer } = enter(t)
  const isUsed = (): boolean => door.service.isUsed(door.environment)
  await pass(170)
  peer.send('a LOGIN joe pw\r\n')
  await pass(170)
  assert.equal(isUsed(), true)
  assert.equal(door.service.isUsed({ ...door.environment }), false, 'another configuration')
  await pass(10)
  assert.equal(isUsed(), false)
})

test('one who leaves a SASL dialogue open is told which inactivity it was', async (t) => {
  const { door, peer } = enter(t)
  peer.send('a AUTH PLAIN\r\n')
  await pass(181)
  assert.ok(written(peer).endsWith('* BYE idle-during-auth\r\n'), written(peer))
  assert.match(
    door.log.at(-1) ?? '',
    /Inactivity during authentication \(client didn't finish SASL auth, waited 180 secs\)/,
  )
})

test('a backend login longer than three minutes ends with the words for it', async (t) => {
  const backends: SocketStream[] = []
  const dial = async (options: DialOptions): Promise<SocketStream> => {
    const { stream } = streamAndPeer()
    stream.setDeadline(options.timeoutMs)
    backends.push(stream)
    return await Promise.resolve(options.port === 0 ? assert.fail('no port') : stream)
  }
  const joe = { proxy: 'y', host: '10.0.0.5', proxy_timeout: '10 min' }
  const { door, peer } = enter(t, { users: { joe }, proxy: { dial } })
  peer.send('a LOGIN joe pw\r\n')
  await pass(179)
  assert.equal(door.service.registry.list()[0]?.state, 'backend-login')
  await pass(2)
  assert.ok(written(peer).endsWith('* BYE login-timeout\r\n'), written(peer))
  assert.match(door.log.at(-1) ?? '', /Disconnected: Logging in timed out \(waited 180 secs\)/)
  const told = door.events.flatMap(({ name, fields }) => (name === 'login_attempt_finished' ? [fields] : []))
  assert.deepEqual(
    told.map((fields) => ('result' in fields ? fields.result : '')),
    ['proxy_dest_connect_failed'],
    'it is counted as a login that failed',
  )
  assert.equal(door.service.registry.size, 0)
  assert.ok(backends.every((stream) => stream.ended))
})

test('nobody is told anything in clear text within a handshake', async (t) => {
  const settings = { ssl: 'yes', ...serving(await makeCertificate()) } as const
  const { door, peer } = enter(t, { settings })
  peer.send('s STARTTLS\r\n')
  await pass(0)
  const before = written(peer)
  assert.ok(before.endsWith('s OK\r\n'), before)
  void door.service.shutDown()
  await pass(20)
  assert.equal(written(peer), before)
  assert.equal(door.service.registry.size, 0)
})

test('at a shutdown strangers are told and users go when they are idle', async (t) => {
  const dial = async (): Promise<SocketStream> => {
    const { stream, peer } = streamAndPeer()
    peer.send('* OK hi\r\nL OK in\r\n')
    return await Promise.resolve(stream)
  }
  const { door, peer } = enter(t, { users: { joe: { proxy: 'y', host: '10.0.0.5' } }, proxy: { dial } })
  peer.send('a LOGIN joe pw\r\n')
  await pass(0)
  const second = streamAndPeer()
  door.service.accept(second.stream, { protocol: toy, listenerName: 'imap', ssl: false })
  await pass(0)
  let stopped = false
  void door.service.shutDown().then(() => {
    stopped = true
  })
  await pass(0)
  assert.ok(written(second.peer).endsWith('* BYE shutting-down\r\n'))
  assert.equal(stopped, false, 'the user was busy just now')
  const late = streamAndPeer()
  door.service.accept(late.stream, { protocol: toy, listenerName: 'imap', ssl: false })
  await pass(3)
  assert.equal(written(late.peer), '* BYE shutting-down\r\n')
  assert.equal(stopped, true)
  assert.match(door.log.at(-1) ?? '', /Disconnected by proxy: Process shutting down/)
})
