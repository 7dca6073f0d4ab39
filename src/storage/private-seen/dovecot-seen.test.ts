import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { DOVECOT_LIMITS, readDovecotSeen } from './dovecot-seen.ts'

const UID_VALIDITY = 0x6b02ecbe

/** `dovecot.index.pvt.log` as Dovecot 2.3.19 wrote it: five messages, of which 3 and then 1 were seen. */
const LOG = Buffer.from(
  '01032800beec026b020000000000000000000000beec026b0100000000000000010000000000000080808083000008108c000000' +
    '808080862000001018000400beec026b4c000400ffffffff8080808c020000100100000000000000020000000000000003000000' +
    '00000000040000000000000005000000000000008080808e200000101c00040006000000540024008030026b0100000000000000' +
    '00000000000000000000000000000000000000000000000080808085040000000300000003000000080000008080808504000000' +
    '010000000100000008000000',
  'hex',
)
const SEQUENCE = LOG.readUInt32LE(8)

/** The same mailbox in `dovecot.index`, as far as it is looked at; `offset`: of the log, up to which it holds everything. */
function indexOf(seen: readonly number[], offset: number, sequence = SEQUENCE): Buffer {
  const bytes = Buffer.alloc(120 + 5 * 12)
  bytes.set([7, 3, 120, 0])
  const words = [
    [4, 120],
    [8, 12],
    [12, 1],
    [16, LOG.readUInt32LE(4)],
    [24, UID_VALIDITY],
    [28, 6],
    [32, 5],
    [60, sequence],
    [64, offset],
    [68, offset],
  ] as const
  for (const [at, value] of words) bytes.writeUInt32LE(value, at)
  for (let uid = 1; uid <= 5; uid += 1) {
    bytes.writeUInt32LE(uid, 120 + (uid - 1) * 12)
    bytes[120 + (uid - 1) * 12 + 4] = seen.includes(uid) ? 0x18 : 0x10
  }
  return bytes
}

/** A change as it is written in a log. */
function change(type: number, data: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), data])
  const units = bytes.length / 4
  for (let at = 0; at < 4; at += 1) bytes[at] = 0x80 | ((units >> (7 * (3 - at))) & 0x7f)
  bytes.writeUInt32LE(type, 4)
  return bytes
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4)
  return bytes
}

const FLAGS = 0x04
const [ADD_SEEN, REMOVE_SEEN] = [0x00_08, 0x08_00]
const EXTERNAL_EXPUNGE = 0x10_00_cd_91

type Files = Readonly<Record<string, Buffer>>

/** What is read from these files, and what is said about them. */
function read(t: TestContext, files: Files): { readonly found: unknown; readonly lines: readonly string[] } {
  const dir = makeTempDir('dovecot-seen')
  t.after(() => removeTempDir(dir))
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, `dovecot.index.pvt${name}`), bytes)
  const lines: string[] = []
  const found = readDovecotSeen(dir, (level, text) => lines.push(`${level}: ${text.replace(dir, '')}`))
  return { found, lines }
}

const ending = (...changes: readonly Buffer[]): Buffer => Buffer.concat([LOG, ...changes])

test('what Dovecot wrote is read: index, logs, and changes of every kind', (t) => {
  const rows: readonly (readonly [files: Files, seen: readonly number[], why: string])[] = [
    [{ '.log': LOG }, [1, 3], 'Dovecot 2.3 keeps all of it in the log'],
    [{ '': indexOf([2, 4], LOG.length), '.log': LOG }, [2, 4], 'all of the log is in the index'],
    [{ '': indexOf([2], LOG.length - 20), '.log': LOG }, [1, 2], 'the last change is not'],
    [{ '': indexOf([2], 0, SEQUENCE + 1), '.log': LOG }, [2], 'the log is older'],
    [{ '': indexOf([2, 5], LOG.length) }, [2, 5], 'without a log'],
    [{ '.log': ending(change(FLAGS, words(1, 4, REMOVE_SEEN, 2, 5, ADD_SEEN))) }, [2, 3, 4, 5], 'ranges'],
    [{ '.log': ending(change(FLAGS, words(0, 0xff_ff_ff_ff, ADD_SEEN))) }, [1, 2, 3, 4, 5], 'all there are'],
    [{ '.log': ending(change(FLAGS, words(1, 1, 0x08_01, 2, 2, 0x01_02))) }, [3], 'other flags are of no concern'],
    [{ '.log': ending(change(EXTERNAL_EXPUNGE, words(2, 3))) }, [1], 'messages that are gone'],
    [{ '.log': ending(change(0x00_00_cd_91, words(2, 3))) }, [1, 3], 'and those that somebody wants gone'],
    [{ '.log': ending(change(0x10_00_00_02, words(6, 8, 7, 0))) }, [1, 3, 6], 'new ones'],
    [{ '.log': ending(change(0x04_00, words(1, 2, 3)), change(0x40, words(9))) }, [1, 3], 'keywords and extensions'],
    [{ '.log': ending(Buffer.alloc(64)) }, [1, 3], 'space that was not written yet'],
    [
      { '.log': ending(change(0x08_00_00, words(48)), change(FLAGS, words(2, 2, ADD_SEEN))) },
      [1, 3],
      'half of a whole',
    ],
  ]
  for (const [files, seen, why] of rows) {
    const { found, lines } = read(t, files)
    assert.deepEqual([found, lines], [{ uidValidity: UID_VALIDITY, seen }, []], why)
  }
})

test('a log that was begun anew goes on where the older one ended', (t) => {
  const newer = Buffer.concat([LOG.subarray(0, 40), change(FLAGS, words(5, 5, ADD_SEEN))])
  newer.writeUInt32LE(SEQUENCE + 1, 8)
  assert.deepEqual(read(t, { '.log.2': LOG, '.log': newer }).found, { uidValidity: UID_VALIDITY, seen: [1, 3, 5] })
  newer.writeUInt32LE(7, 4)
  assert.deepEqual(read(t, { '.log.2': LOG, '.log': newer }).found, { uidValidity: UID_VALIDITY, seen: [1, 3] })
})

test('a mailbox that was deleted says nothing', (t) => {
  const files = { '.log': ending(change(0x02_00_00, Buffer.alloc(0))) }
  assert.deepEqual(read(t, files), { found: undefined, lines: [] })
  assert.deepEqual(read(t, {}), { found: undefined, lines: [] })
})

test('what cannot be read is said once, and what came before it holds', (t) => {
  const rows: readonly (readonly [files: Files, seen: readonly number[] | undefined, line: RegExp])[] = [
    [{ '.log': Buffer.alloc(0) }, undefined, /pvt\.log: the header ends early$/],
    [{ '.log': Buffer.from('garbage'.repeat(20)) }, undefined, /version 103 is not known$/],
    [{ '.log': Buffer.concat([LOG.subarray(0, 32), Buffer.alloc(60)]) }, undefined, /another byte order$/],
    [{ '': indexOf([2], 0).subarray(0, 130), '.log': LOG }, [1, 3], /pvt: messages are missing at its end$/],
    [{ '': Buffer.alloc(10), '.log': LOG }, [1, 3], /pvt: the header ends early$/],
    [{ '.log': ending(Buffer.from('8080808104000000', 'hex')) }, [1, 3], /a change of 4 bytes at 220$/],
    [
      { '.log': ending(...Array.from({ length: 41 }, () => change(FLAGS, manyRanges()))) },
      [1, 2, 3, 4, 5],
      /it changes too much$/,
    ],
  ]
  for (const [files, seen, line] of rows) {
    const { found, lines } = read(t, files)
    assert.deepEqual(found, seen && { uidValidity: UID_VALIDITY, seen })
    assert.equal(lines.length, 1, String(line))
    assert.match(lines[0] ?? '', line)
  }
})

/** 100,000 times everything. */
function manyRanges(): Buffer {
  return Buffer.alloc(100_000 * 12, words(1, 0xff_ff_ff_ff, ADD_SEEN))
}

test('what is no file, or too large, is left alone', (t) => {
  const dir = makeTempDir('dovecot-seen')
  t.after(() => removeTempDir(dir))
  const lines: string[] = []
  const log = (level: string, text: string): void => void lines.push(`${level}: ${text.replace(dir, '')}`)
  mkdirSync(join(dir, 'dovecot.index.pvt'))
  symlinkSync('/etc/passwd', join(dir, 'dovecot.index.pvt.log.2'))
  writeFileSync(join(dir, 'dovecot.index.pvt.log'), LOG)
  truncateSync(join(dir, 'dovecot.index.pvt.log'), DOVECOT_LIMITS.fileBytes + 1)
  assert.equal(readDovecotSeen(dir, log), undefined)
  assert.equal(lines.length, 3)
  assert.match(lines.join('\n'), /it is not a file\n.*ELOOP.*\n.*it is larger than/)
})

test('no damage does more than lose marks', (t) => {
  const dir = makeTempDir('dovecot-seen')
  t.after(() => removeTempDir(dir))
  const whole = { '': indexOf([2, 4], LOG.length - 40), '.log': LOG }
  const damage = fc.record({
    name: fc.constantFrom('', '.log'),
    at: fc.nat({ max: LOG.length }),
    bytes: fc.uint8Array({ maxLength: 8 }),
    end: fc.option(fc.nat({ max: LOG.length })),
  })
  fc.assert(
    fc.property(damage, ({ name, at, bytes, end }) => {
      for (const [file, content] of Object.entries(whole)) {
        const changed = Buffer.from(content)
        if (file === name)
          changed.set(bytes.subarray(0, Math.max(0, changed.length - at)), Math.min(at, changed.length))
        const path = join(dir, `dovecot.index.pvt${file}`)
        writeFileSync(path, file === name && end !== null ? changed.subarray(0, end) : changed)
      }
      const found = readDovecotSeen(dir, () => undefined)
      for (const uid of found?.seen ?? []) assert.ok(Number.isInteger(uid) && uid >= 0)
    }),
    { numRuns: 300 },
  )
})
