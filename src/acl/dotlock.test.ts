import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import { NotReplaced, replaceUnderDotlock } from './dotlock.ts'

const options = { now: Date.now }

function place(t: TestContext): string {
  const dir = makeTempDir('dotlock')
  t.after(() => removeTempDir(dir))
  return join(dir, 'dovecot-acl')
}

test('a hundred writers lose nothing', async (t) => {
  const path = place(t)
  writeFileSync(path, '')
  const add = (at: number) =>
    replaceUnderDotlock(path, () => Promise.resolve(Buffer.from(`${readFileSync(path, 'utf8')}${at} `)), options)
  assert.ok((await Promise.all(Array.from({ length: 100 }, (_, at) => add(at)))).every(Boolean))
  assert.equal(readFileSync(path, 'utf8').trim().split(' ').length, 100)
  assert.ok(!existsSync(`${path}.lock`))
})

test('nothing to write leaves the file as it is, and no lock', async (t) => {
  const path = place(t)
  assert.equal(await replaceUnderDotlock(path, () => Promise.resolve(undefined), options), false)
  assert.ok(!existsSync(path) && !existsSync(`${path}.lock`))
})

test('an error of the writer frees the lock for the next one', async (t) => {
  const path = place(t)
  await assert.rejects(
    replaceUnderDotlock(path, () => Promise.reject(new Error('no')), options),
    /^Error: no$/,
  )
  assert.ok(await replaceUnderDotlock(path, () => Promise.resolve(Buffer.from('x')), options))
})

test('a lock left behind two minutes ago is taken over, a fresh one is waited for', async (t) => {
  const path = place(t)
  writeFileSync(`${path}.lock`, '')
  const ago = Date.now() / 1000 - 121
  utimesSync(`${path}.lock`, ago, ago)
  assert.ok(await replaceUnderDotlock(path, () => Promise.resolve(Buffer.from('x')), options))
  writeFileSync(`${path}.lock`, 'somebody')
  const stop = AbortSignal.timeout(60)
  await assert.rejects(
    replaceUnderDotlock(path, () => assert.fail(), { ...options, signal: stop }),
    { name: 'AbortError' },
  )
  assert.equal(readFileSync(`${path}.lock`, 'utf8'), 'somebody')
})

test('a symbolic link as lock is not followed', async (t) => {
  const path = place(t)
  symlinkSync(`${path}.target`, `${path}.lock`)
  const stop = AbortSignal.timeout(60)
  await assert.rejects(replaceUnderDotlock(path, () => assert.fail(), { ...options, signal: stop }))
  assert.ok(!existsSync(`${path}.target`))
})

for (const [directory, file] of [
  [0o700, 0o600],
  [0o750, 0o640],
  [0o2770, 0o660],
  [0o755, 0o644],
] as const) {
  test(`a file in a directory of mode ${directory.toString(8)} has mode ${file.toString(8)}`, async (t) => {
    const dir = join(place(t), 'box')
    mkdirSync(dir, { recursive: true })
    chmodSync(dir, directory)
    await replaceUnderDotlock(join(dir, 'f'), () => Promise.resolve(Buffer.from('x')), options)
    assert.equal(statSync(join(dir, 'f')).mode & 0o7777, file)
  })
}

test('a control directory that is missing is made; a missing mail store is not', async (t) => {
  const dir = place(t)
  mkdirSync(dir)
  await replaceUnderDotlock(join(dir, 'Work', 'f'), () => Promise.resolve(Buffer.from('x')), options)
  assert.ok(existsSync(join(dir, 'Work', 'f')))
  const gone = join(dir, 'no', 'such', 'place', 'f')
  await assert.rejects(
    replaceUnderDotlock(gone, () => Promise.resolve(Buffer.from('x')), options),
    NotReplaced,
  )
})
