import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { generatedPages } from '../scripts/docs/pages.ts'
import { settingRows } from '../src/config/settings/index.ts'

const root = join(import.meta.dirname, '..')

describe('generated documentation', () => {
  for (const page of generatedPages) {
    test(`${page.path} is what the sources say (else: npm run docs)`, () => {
      assert.equal(readFileSync(join(root, page.path), 'utf8'), page.print())
    })
  }

  test('every setting is explained in a sentence', () => {
    for (const [name, row] of Object.entries(settingRows)) {
      assert.match(row.doc, /^\S.*\.$/s, `${name}: the explanation ends with a full stop`)
      assert.ok(row.ignored === undefined || !row.ignored.endsWith('.'), `${name}: the reason is part of a sentence`)
    }
  })
})
