import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Peer, streamAndPeer } from '../../../../test/support/protocol-session.ts'
import { BackendFailure } from './failure.ts'
import { CommandPipe } from './pipe.ts'

function open(t: TestContext, pipelining: boolean): { pipe: CommandPipe; peer: Peer } {
  const { stream, peer } = streamAndPeer()
  t.after(() => stream.destroy())
  const pipe = new CommandPipe(stream, () => 1000)
  pipe.pipelining = pipelining
  return { pipe, peer }
}

const isFault = (fault: string) => (error: unknown) => error instanceof BackendFailure && error.fault === fault

test('with PIPELINING commands go out at once, and each gets its reply', async (t) => {
  const { pipe, peer } = open(t, true)
  const replies = [pipe.command('ONE\r\n'), pipe.command('TWO\r\n'), pipe.reply()]
  assert.deepEqual([await peer.line(), await peer.line()], ['ONE', 'TWO'])
  peer.send('250-1\r\n250 one\r\n550 2\r\n250 3\r\n')
  assert.deepEqual(
    (await Promise.all(replies)).map(({ code, texts }) => [code, ...texts]),
    [
      [250, '1', 'one'],
      [550, '2'],
      [250, '3'],
    ],
  )
})

test('without PIPELINING each command waits for the reply to the one before', async (t) => {
  const { pipe, peer } = open(t, false)
  const replies = [pipe.command('ONE\r\n'), pipe.command('TWO\r\n')]
  await turn()
  assert.deepEqual(peer.writes, ['ONE\r\n'])
  peer.send('250 1\r\n')
  await replies[0]
  await turn()
  assert.deepEqual(peer.writes, ['ONE\r\n', 'TWO\r\n'])
  peer.send('250 2\r\n')
  assert.deepEqual((await replies[1])?.texts, ['2'])
})

test('enhanced codes are read only where the backend has them', async (t) => {
  const { pipe, peer } = open(t, true)
  peer.send('250 2.0.0 ok\r\n')
  assert.equal((await pipe.reply()).enhanced, undefined)
  pipe.enhanced = true
  peer.send('250 2.0.0 ok\r\n')
  assert.deepEqual((await pipe.reply()).enhanced, '2.0.0')
})

test('what was said before a question is no answer to it', async (t) => {
  const { pipe, peer } = open(t, true)
  peer.send('250 2.0.0 anything you like\r\n')
  await turn()
  await assert.rejects(pipe.command('BDAT 3 LAST\r\n'), isFault('bad reply'))
  assert.equal(await peer.line(), undefined)
})

test('a fault fails everything that waits, and what comes later', async (t) => {
  const rows: [say: (peer: Peer) => void, fault: string, why: string][] = [
    [(peer) => peer.end(), 'connection lost', 'the backend leaves'],
    [(peer) => peer.send('421 4.3.2 closing\r\n'), 'connection lost', 'it says so before'],
    [(peer) => peer.send('what?\r\n'), 'bad reply', 'no reply'],
    [(peer) => peer.send(`250 ${'x'.repeat(5000)}\r\n`), 'bad reply', 'a line that is too long'],
    [(peer) => peer.send('250-x\r\n'.repeat(200)), 'bad reply', 'a reply that does not end'],
    [(peer) => peer.send('250-x\r\n550 y\r\n'), 'bad reply', 'two replies in one'],
  ]
  for (const [say, fault, why] of rows) {
    const { pipe, peer } = open(t, false)
    const waiting = [pipe.command('ONE\r\n'), pipe.command('TWO\r\n')]
    say(peer)
    for (const reply of waiting) await assert.rejects(reply, isFault(fault), why)
    await assert.rejects(pipe.command('THREE\r\n'), isFault(fault), why)
    assert.deepEqual(peer.writes, ['ONE\r\n'], why)
  }
})

test('a backend that does not answer runs out of time, however many answers came before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { pipe, peer } = open(t, true)
  const replies = [pipe.command('ONE\r\n'), pipe.command('TWO\r\n')]
  await turn()
  t.mock.timers.tick(900)
  peer.send('250 1\r\n')
  await replies[0]
  await turn()
  t.mock.timers.tick(900)
  await turn()
  t.mock.timers.tick(101)
  await assert.rejects(replies[1] ?? Promise.resolve(), isFault('timed out'))
})

test('an idle connection has no deadline', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { pipe, peer } = open(t, true)
  peer.send('220 hello\r\n')
  await pipe.reply()
  await turn()
  t.mock.timers.tick(1_000_000)
  const reply = pipe.command('NOOP\r\n')
  peer.send('250 ok\r\n')
  assert.equal((await reply).code, 250)
})
