import assert from 'node:assert/strict'
import test from 'node:test'
import { runMailCrashes } from '../mail-crash/run.ts'

/** `test/fuzz/mail-crash.ts` does more, and kills the whole server, too. */
const ROUNDS = 8

test('a server whose mail process is killed at any time loses nothing that it acknowledged, and doubles nothing', async (t) => {
  const { kills, acknowledged } = await runMailCrashes(ROUNDS, Math.random)
  t.diagnostic(`${acknowledged} acknowledged operations in ${kills} lives`)
  assert.ok(acknowledged >= ROUNDS / 2, `${acknowledged} operations in ${ROUNDS} lives`)
})
