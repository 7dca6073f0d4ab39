import assert from 'node:assert/strict'
import test from 'node:test'
import { skipWithout } from '../peers/peers.ts'
import { runSideBySide } from './side-by-side.ts'

/** `test/fuzz/maildir-side-by-side.ts` runs longer. */
const DURATION_MS = 4_000

test('Dovecot and we work on the same mailboxes at the same time, and nothing is lost, doubled or renumbered', {
  skip: skipWithout('dovecot-imapd'),
}, async () => {
  const { operations, messages } = await runSideBySide(DURATION_MS, Math.random)
  assert.ok(operations > 50 && messages > 20, `${operations} operations on ${messages} messages`)
})
