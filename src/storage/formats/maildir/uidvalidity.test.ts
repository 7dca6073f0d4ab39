import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { maildirPlace, TestMailbox } from '../../../../test/maildir/place.ts'
import { nextUidValidity } from './uidvalidity.ts'

test('UIDVALIDITY goes up, in the files that Dovecot counts with', async (t) => {
  const { store, root } = maildirPlace(t)
  const boxes = [await TestMailbox.open(store, 'a'), await TestMailbox.open(store, 'b')]
  const [first = 0, second = 0] = boxes.map(({ format }) => format.uidValidity)
  assert.equal(second, first + 1)
  assert.ok(Math.abs(first - Date.now() / 1000) < 60, 'it begins with the time')
  const hex = second.toString(16)
  assert.equal(readFileSync(join(root, 'dovecot-uidvalidity'), 'latin1'), hex)
  assert.deepEqual(
    readdirSync(root).filter((name) => name.startsWith('dovecot-uidvalidity.')),
    [`dovecot-uidvalidity.${hex}`],
  )
  assert.equal(statSync(join(root, `dovecot-uidvalidity.${hex}`)).mode & 0o777, 0o444)
})

test('whatever happened to the files, no number comes twice', (t) => {
  const rows: { why: string; files: Readonly<Record<string, string>>; wanted: (value: number) => boolean }[] = [
    { why: 'nothing is there', files: {}, wanted: (value) => value > 1_700_000_000 },
    {
      why: 'as Dovecot leaves them',
      files: { 'dovecot-uidvalidity': '7f000000', 'dovecot-uidvalidity.7f000000': '' },
      wanted: (value) => value === 0x7f00_0001,
    },
    {
      why: 'somebody was faster by two',
      files: { 'dovecot-uidvalidity': '7f000000', 'dovecot-uidvalidity.7f000002': '' },
      wanted: (value) => value === 0x7f00_0003,
    },
    {
      why: 'the hint is broken',
      files: { 'dovecot-uidvalidity': 'x', 'dovecot-uidvalidity.7f000000': '' },
      wanted: (value) => value === 0x7f00_0001,
    },
    {
      why: 'the hint is old',
      files: { 'dovecot-uidvalidity': '10000000', 'dovecot-uidvalidity.7f000000': '' },
      wanted: (value) => value === 0x7f00_0001,
    },
    {
      why: 'there are two',
      files: { 'dovecot-uidvalidity.7f000000': '', 'dovecot-uidvalidity.7e000000': '' },
      wanted: (value) => value === 0x7f00_0001,
    },
    {
      why: 'only the hint is left',
      files: { 'dovecot-uidvalidity': '7f000000' },
      wanted: (value) => value > 1_700_000_000,
    },
  ]
  for (const [index, { why, files, wanted }] of rows.entries()) {
    const root = join(maildirPlace(t).dir, String(index))
    mkdirSync(root)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
    const given = [nextUidValidity(root), nextUidValidity(root), nextUidValidity(root)]
    assert.ok(wanted(given[0] ?? 0), `${why}: ${given[0]}`)
    assert.equal(new Set(given).size, 3, why)
    assert.equal(readdirSync(root).filter((name) => name.startsWith('dovecot-uidvalidity.')).length, 1, why)
  }
})

test('a root where nothing can be written gives the time', (t) => {
  const { dir } = maildirPlace(t)
  writeFileSync(join(dir, 'file'), '')
  const first = nextUidValidity(join(dir, 'file'))
  assert.ok(nextUidValidity(join(dir, 'file')) > first)
})
