import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHILD = fileURLToPath(new URL('./testing/churn.ts', import.meta.url))
const YOUNG_MB = 1

test('what came and went in a list or map of the living dies young, after full collections too', async (t) => {
  const options = ['--expose-gc', `--min-semi-space-size=${YOUNG_MB}`, `--max-semi-space-size=${YOUNG_MB}`]
  // A heap that may grow so far is not collected whole in between.
  const run = promisify(execFile)(process.execPath, [...options, '--initial-old-space-size=256', CHILD], {
    timeout: 30_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const promoted = JSON.parse((await run).stdout) as Record<'set' | 'liveList' | 'renewedMap', number>
  const { set, liveList, renewedMap } = promoted
  t.diagnostic(`promoted: ${JSON.stringify(promoted)}`)
  // Each made 17 MB of garbage.
  const few = 3 * 1024 * 1024
  assert.ok(liveList < few, `LiveList: ${liveList} bytes were promoted`)
  assert.ok(renewedMap < few, `RenewedMap: ${renewedMap} bytes were promoted`)
  if (set < few)
    t.diagnostic('A plain Set does as well now: docs/decisions/0012-lists-of-the-living.md can be taken back.')
})
