import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { readAgain, stopReading } from '../../src/net/handle-pipe.ts'
import type { LentConnection } from '../../src/net/lent-connection.ts'
import { socketPair } from './socket-pair.ts'

/** A client, and the near end of its connection, lent. */
export async function lendClient(t: TestContext): Promise<{ near: Socket; far: Socket; lent: LentConnection }> {
  const { near, far } = await socketPair(t)
  const unread = stopReading(near)
  assert.ok(unread)
  return {
    near,
    far,
    lent: { socket: near, unread, giveBack: () => readAgain(near) },
  }
}
