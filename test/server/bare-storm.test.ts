import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipWithoutBare as skip } from '../support/bare-pair.ts'
import { bareStorm } from '../stress/bare-storm.ts'

/** `node test/fuzz/bare-sockets.ts` does more. */
const SECONDS = 2
const SEED = Number(process.env['STRESS_SEED'] ?? Date.now() % 100_000)

test(`a proxy with bare sockets stands clients and backends that break off in every way (seed ${SEED})`, {
  skip,
}, async (t) => {
  const { connections, logins } = await bareStorm({ seconds: SECONDS, seed: SEED })
  t.diagnostic(`${connections} connections, ${logins} logins`)
  assert.ok(connections > 0 && logins > 0)
})
