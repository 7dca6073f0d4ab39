import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRawlogs } from './rawlog.ts'

test('each line has the time at which it began, each direction its file, readable by its owner only', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'rawlog-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const clock = { ms: 1_795_324_157_328.6 }
  const rawlog = createRawlogs(assert.fail, () => clock.ms).open(dir)
  rawlog.read(Buffer.from('* OK\r\n'))
  rawlog.written(Buffer.from('a NO'))
  clock.ms += 1000
  rawlog.written(Buffer.from('OP\r\nb NOOP\r\nlast'))
  rawlog.close()
  const heardAndSaid = (): string[] =>
    readdirSync(dir)
      .toSorted()
      .map((name) => readFileSync(join(dir, name), 'latin1'))
  const wanted = '1795324157.328600 a NOOP\r\n1795324158.328600 b NOOP\r\n1795324158.328600 last'
  // Files are written when the disk has time.
  while (heardAndSaid().join('').length < wanted.length + 24) await new Promise(setImmediate)
  assert.deepEqual(heardAndSaid(), ['1795324157.328600 * OK\r\n', wanted])
  const names = readdirSync(dir).toSorted()
  assert.deepEqual(
    names.map((name) => name.replace(/^\d{8}-\d{6}\./, '')),
    [`${process.pid}.1.in`, `${process.pid}.1.out`],
  )
  for (const name of names) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600)
})

test('a directory that cannot be written to is told once', () => {
  const complaints: string[] = []
  const rawlogs = createRawlogs((text) => complaints.push(text), Date.now)
  assert.equal(rawlogs.usable('/nowhere/at/all'), false)
  assert.equal(rawlogs.usable('/nowhere/at/all'), false)
  assert.deepEqual(complaints, ['access(/nowhere/at/all, wx) failed: no such file or directory - disabling rawlogs'])
})
