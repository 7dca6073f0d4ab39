import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { maildirPlace } from '../../../../test/maildir/place.ts'
import { lockFile, type Dotlock, type DotlockOptions } from './dotlock.ts'

interface Place {
  readonly mail: string
  readonly lockPath: string
  readonly options: DotlockOptions
}

function newPlace(t: TestContext): Place {
  const mail = join(maildirPlace(t).dir, 'box')
  mkdirSync(join(mail, 'tmp'), { recursive: true })
  const options = {
    hostname: 'host.example.org',
    timeoutMs: 200,
    staleMs: 60_000,
    permissions: () => ({ directoryMode: 0o700, fileMode: 0o600, gid: undefined }),
    spares: join(mail, 'tmp'),
  }
  return { mail, lockPath: join(mail, 'list.lock'), options }
}

async function lock({ mail, options }: Place): Promise<Dotlock> {
  const taken = await lockFile(join(mail, 'list'), options)
  assert.ok(taken)
  return taken
}

/** Takes the lock until a spare lies in `tmp`, and answers its path. */
async function makeSpare(place: Place): Promise<string> {
  const inTmp = (): readonly string[] => readdirSync(join(place.mail, 'tmp'))
  for (let times = 0; times < 50 && inTmp().length === 0; times++) assert.equal((await lock(place)).release(), true)
  const [name] = inTmp()
  assert.ok(name !== undefined)
  return join(place.mail, 'tmp', name)
}

test('a lock that is taken often is one file all the time', async (t) => {
  const place = newPlace(t)
  assert.equal((await lock(place)).release(), true)
  assert.deepEqual(readdirSync(join(place.mail, 'tmp')), [], 'not yet')
  const spare = await makeSpare(place)
  assert.equal(existsSync(place.lockPath), false)
  for (const turn of [1, 2]) {
    const taken = await lock(place)
    assert.equal(statSync(place.lockPath).ino, statSync(spare).ino, `turn ${turn}`)
    assert.equal(readFileSync(place.lockPath, 'latin1'), `${process.pid}:host.example.org`)
    assert.equal(await lockFile(join(place.mail, 'list'), { ...place.options, timeoutMs: 20 }), undefined)
    assert.equal(taken.release(), true)
    assert.equal(existsSync(place.lockPath), false)
  }
})

test('the lock of another program is waited for, also with a spare at hand', async (t) => {
  const place = newPlace(t)
  await makeSpare(place)
  writeFileSync(place.lockPath, `${process.ppid}:host.example.org`)
  assert.equal(await lockFile(join(place.mail, 'list'), { ...place.options, timeoutMs: 20 }), undefined)
  const waiting = lockFile(join(place.mail, 'list'), { ...place.options, timeoutMs: 10_000 })
  rmSync(place.lockPath)
  assert.equal((await waiting)?.release(), true)
})

test('a spare that somebody removed is not missed', async (t) => {
  const place = newPlace(t)
  rmSync(await makeSpare(place))
  const taken = await lock(place)
  assert.ok(existsSync(place.lockPath))
  assert.equal(taken.release(), true)
  assert.equal(existsSync(place.lockPath), false)
})

test('a lock that was taken from us is not removed', async (t) => {
  const place = newPlace(t)
  await makeSpare(place)
  const taken = await lock(place)
  rmSync(place.lockPath)
  writeFileSync(place.lockPath, 'theirs')
  assert.equal(taken.release(), false)
  assert.equal(readFileSync(place.lockPath, 'latin1'), 'theirs')
})

test('a lock in a mailbox that was renamed meanwhile is removed where it is now', async (t) => {
  const place = newPlace(t)
  await makeSpare(place)
  const taken = await lock(place)
  const renamed = `${place.mail}2`
  renameSync(place.mail, renamed)
  assert.equal(taken.release(), true)
  assert.equal(existsSync(join(renamed, 'list.lock')), false)
})

test('without a place for spares the lock is removed each time', async (t) => {
  const place = newPlace(t)
  rmSync(join(place.mail, 'tmp'), { recursive: true })
  for (let times = 0; times < 20; times++) {
    const taken = await lock(place)
    assert.ok(existsSync(place.lockPath))
    assert.equal(taken.release(), true)
    assert.equal(existsSync(place.lockPath), false)
  }
})
