import assert from 'node:assert/strict'
import test from 'node:test'
import { stressTogether } from '../stress/together.ts'

/** `npm run stress` does more, with a Dovecot on the same Maildir, too. */
const SECONDS = 8
const SEED = Number(process.env['STRESS_SEED'] ?? Date.now() % 100_000)

test(`20 sessions of two servers on one Maildir, and deliveries, are never told a contradiction (seed ${SEED})`, async (t) => {
  const { commands, messages } = await stressTogether({ seconds: SECONDS, seed: SEED, withDovecot: false })
  t.diagnostic(`${commands} commands, ${messages} messages`)
  assert.ok(commands > 100, `${commands} commands`)
})
