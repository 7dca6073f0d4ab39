import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { PATIENCE_MS, within } from '../../test/support/deadline.ts'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import { WatchedFiles } from './watched-files.ts'

const EVERY_MS = 20

/** A file that was read as `old`, and holds something. */
function watchOne(t: TestContext, holds: string): { path: string; changed: Promise<void> } {
  const dir = makeTempDir('watched')
  const path = join(dir, 'cert.pem')
  writeFileSync(path, holds)
  const { promise, resolve } = Promise.withResolvers<void>()
  const watched = new WatchedFiles(EVERY_MS, () => new Map([[path, Buffer.from('old')]]), resolve)
  t.after(() => {
    watched.close()
    removeTempDir(dir)
  })
  watched.watch()
  return { path, changed: within(PATIENCE_MS, () => 'nobody noticed', promise) }
}

test('a file that is changed is noticed', async (t) => {
  const { path, changed } = watchOne(t, 'old')
  writeFileSync(path, 'another')
  await changed
})

test('one that was changed between its reading and the first look is noticed as well', async (t) => {
  await watchOne(t, 'another').changed
})
