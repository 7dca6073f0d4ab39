import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, streamAndPeer, testBackendIo, testLoginIo, testTarget } from '../../../test/support/protocol-session.ts'
import { backend } from './backend.ts'
import { login } from './login.ts'

test('commands pipelined in clear text behind STARTTLS are thrown away', async () => {
  const { stream, peer } = streamAndPeer()
  const io = testLoginIo(stream)
  void login(io)
  await peer.line()
  peer.send('a STARTTLS\r\nb LOGIN joe stolen\r\nc NOOP\r\n')
  await play(peer, ['S: a OK Begin TLS negotiation now.', 'C: d NOOP', 'S: d OK NOOP completed.'])
  assert.deepEqual(io.done.unreadAtTls, [0])
  assert.deepEqual(io.done.attempts, [])
})

test('replies injected in clear text behind the OK of STARTTLS are thrown away', async () => {
  const { stream, peer } = streamAndPeer()
  const io = testBackendIo(stream)
  const result = backend(io, testTarget({ tls: 'starttls' }))
  peer.send('* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n* EVIL before\r\n')
  assert.equal(await peer.line(), 'S STARTTLS')
  peer.send('S OK Begin\r\n* EVIL behind\r\nL OK [CAPABILITY EVIL] in\r\n')
  assert.equal(await peer.line(), 'L LOGIN "t1" "secret"')
  peer.send('L OK [CAPABILITY IMAP4rev1] in\r\n')
  assert.deepEqual(await result, { untagged: [], lines: ['OK [CAPABILITY IMAP4rev1] in'] })
  assert.deepEqual(io.done.unreadAtTls, [0])
})
