import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { runCrashes } from './crash.ts'

/** `test/fuzz/maildir-crash.ts` does more. */
const ROUNDS = 15

test('a process killed at any time loses nothing that it acknowledged, doubles nothing, and no UID is given twice', async (t) => {
  const dir = makeTempDir('crash')
  t.after(() => removeTempDir(dir))
  const { acknowledged } = await runCrashes(join(dir, 'Maildir'), ROUNDS, Math.random)
  assert.ok(acknowledged >= ROUNDS / 2, `${acknowledged} operations in ${ROUNDS} lives`)
})
