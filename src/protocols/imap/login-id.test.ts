import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type LoginOptions,
  play,
  streamAndPeer,
  type TestLoginIo,
  testLoginIo,
} from '../../../test/support/protocol-session.ts'
import { login } from './login.ts'

async function identify(ids: readonly string[], options: LoginOptions): Promise<TestLoginIo> {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream, options)
  void login(io)
  await peer.line()
  for (const parameters of ids) {
    await play(peer, [`C: a ID ${parameters}`, 'S: * ID ("name" "Dovecot")', 'S: a OK ID completed.'])
  }
  return io
}

test('a trusted peer says who the client is, once', async () => {
  const io = await identify(['("x-originating-ip" "1.2.3.4" "x-proxy-ttl" "3")', '("x-originating-ip" "5.6.7.8")'], {
    trusted: true,
  })
  assert.deepEqual(io.done.forwarded, [{ remoteIp: '1.2.3.4', ttl: 3 }])
})

test('an ID without trust keys uses up the only chance to have some', async () => {
  const io = await identify(['("name" "x")', '("x-originating-ip" "5.6.7.8")'], { trusted: true })
  assert.deepEqual(io.done.forwarded, [])
})

test('nobody else says who the client is', async () => {
  const io = await identify(['("x-originating-ip" "1.2.3.4" "name" "x")'], {
    settings: { imap_id_retain: true, imap_id_log: '*' },
  })
  assert.deepEqual(io.done.forwarded, [])
  assert.deepEqual(io.done.notes, [{ clientId: [['name', 'x']] }])
  assert.deepEqual(io.done.log, ['ID sent: x-originating-ip=1.2.3.4, name=x'])
})

test('the last ID is kept and the first one is logged', async () => {
  const io = await identify(['("name" "x")', '("name" "y")'], {
    settings: { imap_id_retain: true, imap_id_log: 'name' },
  })
  assert.deepEqual(io.done.notes, [{ clientId: [['name', 'x']] }, { clientId: [['name', 'y']] }])
  assert.deepEqual(io.done.log, ['ID sent: name=x'])
})

test('without imap_id_retain nothing is kept', async () => {
  const io = await identify(['("name" "x")'], {})
  assert.deepEqual(io.done.notes, [])
})

test('a proxy may forward more than fits into another command', async () => {
  const fields = Array.from({ length: 12 }, (_, i) => `"x-forward-f${i}" "${'v'.repeat(1000)}"`).join(' ')
  const io = await identify([`(${fields})`], { trusted: true })
  assert.equal(io.done.forwarded[0]?.forward?.size, 12)
})
