import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { maildirPlace } from '../../../../test/maildir/place.ts'
import { PATIENCE_MS } from '../../../../test/support/deadline.ts'
import { lockFile, type DotlockOptions } from './dotlock.ts'

const OPTIONS: DotlockOptions = {
  hostname: 'host.example.org',
  timeoutMs: 1_000,
  staleMs: 60_000,
  permissions: () => ({ directoryMode: 0o700, fileMode: 0o600, gid: undefined }),
}

function newFile(t: TestContext): string {
  return join(maildirPlace(t).dir, 'list')
}

/** A process that is gone. */
function deadPid(): number {
  return spawnSync('true').pid
}

function leaveLock(file: string, text: string, ageMs: number): void {
  writeFileSync(`${file}.lock`, text)
  const at = (Date.now() - ageMs) / 1000
  utimesSync(`${file}.lock`, at, at)
}

test('a lock tells who holds it, and others wait', async (t) => {
  const file = newFile(t)
  const first = await lockFile(file, OPTIONS)
  assert.ok(first)
  assert.equal(readFileSync(`${file}.lock`, 'latin1'), `${process.pid}:host.example.org`)
  assert.equal(statSync(`${file}.lock`).mode & 0o777, 0o600)
  const second = lockFile(file, { ...OPTIONS, timeoutMs: PATIENCE_MS })
  assert.equal(await lockFile(file, { ...OPTIONS, timeoutMs: 50 }), undefined, 'the time is up')
  assert.equal(first.release(), true)
  assert.equal((await second)?.release(), true)
  assert.equal(existsSync(`${file}.lock`), false)
})

test('whose lock is taken over, and whose is not', async (t) => {
  const here = 'host.example.org'
  const olderThanWeMs = process.uptime() * 1000 + 10_000
  const rows: { why: string; text: string; ageMs: number; taken: boolean }[] = [
    { why: 'its process is gone', text: `${deadPid()}:${here}`, ageMs: 500, taken: true },
    { why: 'its process lives', text: `${process.ppid}:${here}`, ageMs: 50_000, taken: false },
    { why: 'of another host, and young', text: `${deadPid()}:other.example.org`, ageMs: 50_000, taken: false },
    { why: 'of an earlier process with our number', text: `${process.pid}:${here}`, ageMs: olderThanWeMs, taken: true },
    { why: 'of a thread of ours', text: `${process.pid}:${here}`, ageMs: 0, taken: false },
    { why: 'somebody died before writing into it', text: '', ageMs: 3_100, taken: true },
    { why: 'somebody is about to write into it', text: '', ageMs: 500, taken: false },
    { why: 'nonsense', text: 'hello', ageMs: 50_000, taken: false },
  ]
  await Promise.all(
    rows.map(async ({ why, text, ageMs, taken }) => {
      const file = newFile(t)
      leaveLock(file, text, ageMs)
      const lock = await lockFile(file, OPTIONS)
      assert.equal(lock !== undefined, taken, why)
      lock?.release()
    }),
  )
})

test('a lock that does not change for the stale timeout is taken over, whoever holds it', async (t) => {
  const file = newFile(t)
  leaveLock(file, '1:other.example.org', 0)
  const lock = await lockFile(file, { ...OPTIONS, timeoutMs: PATIENCE_MS, staleMs: 300 })
  assert.ok(lock)
  lock.release()
})

test('a lock that somebody took from us is left to them', async (t) => {
  const file = newFile(t)
  const lock = await lockFile(file, OPTIONS)
  assert.ok(lock)
  writeFileSync(`${file}.other`, 'theirs')
  renameSync(`${file}.other`, `${file}.lock`)
  assert.equal(lock.release(), false)
  assert.equal(readFileSync(`${file}.lock`, 'latin1'), 'theirs')
})

test('a lock goes away with its owner, also when the directory was renamed meanwhile', async (t) => {
  const { dir } = maildirPlace(t)
  mkdirSync(join(dir, 'box'))
  const lock = await lockFile(join(dir, 'box', 'list'), OPTIONS)
  assert.ok(lock)
  renameSync(join(dir, 'box'), join(dir, 'renamed'))
  assert.equal(lock.release(), true)
  assert.equal(existsSync(join(dir, 'renamed', 'list.lock')), process.platform !== 'linux')
})

test('a directory that is gone cannot be locked in', async (t) => {
  const { dir } = maildirPlace(t)
  await assert.rejects(lockFile(join(dir, 'gone', 'list'), OPTIONS), /ENOENT/)
})

test('many take turns, one at a time', async (t) => {
  const file = newFile(t)
  let inside = 0
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      const lock = await lockFile(file, { ...OPTIONS, timeoutMs: PATIENCE_MS })
      assert.ok(lock)
      assert.equal(++inside, 1)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
      lock.release()
    }),
  )
})
