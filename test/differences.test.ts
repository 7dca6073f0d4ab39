import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const rows = readFileSync(join(root, 'docs/dovecot-differences.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim()))
const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
)

/** Tests and transcripts that a cell names. */
function namedIn(cell: string): { readonly tests: readonly string[]; readonly transcripts: readonly string[] } {
  const tests = Array.from(cell.matchAll(/`([^`]*\.test\.ts)`/g), ([, name = '']) => name)
  const [, list = ''] = /transcripts? ([^;`]*)/.exec(cell) ?? []
  return { tests, transcripts: list.split(/,? and |, /).filter((name) => /^[\w/*-]+$/.test(name)) }
}

test('every deliberate difference has a row of its own, and a test', () => {
  const names = rows.map(([name]) => name)
  assert.deepEqual(names, [...new Set(names)])
  for (const cells of rows) {
    assert.equal(cells.length, 5, cells[0])
    const pin = cells[4] ?? ''
    const { tests, transcripts } = namedIn(pin)
    assert.ok(tests.length > 0 || /transcript|golden/.test(pin), `${cells[0]}: ${pin}`)
    for (const name of tests)
      assert.ok(
        files.some((path) => path === name || path.endsWith(`/${name}`)),
        name,
      )
    for (const name of transcripts)
      assert.ok(
        files.some((path) => isTranscript(path, name)),
        name,
      )
  }
})

function isTranscript(path: string, name: string): boolean {
  if (!path.startsWith('test/transcripts/')) return false
  const pattern = name.replaceAll('*', '[^/]*')
  return new RegExp(`/${pattern}\\.txt$`).test(path)
}
