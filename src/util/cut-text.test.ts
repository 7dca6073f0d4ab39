import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutText } from './cut-text.ts'

test('texts are cut to whole characters, as Dovecot cuts them', () => {
  const rows: readonly (readonly [why: string, text: string, bytes: number, cut: string])[] = [
    ['it fits', 'a'.repeat(80), 80, 'a'.repeat(80)],
    ['one too many', 'a'.repeat(81), 80, `${'a'.repeat(77)}...`],
    ['characters of two bytes', 'ä'.repeat(50), 80, `${'ä'.repeat(38)}...`],
    ['characters of three bytes', '€'.repeat(27), 80, `${'€'.repeat(25)}...`],
    ['characters of two units', '😀'.repeat(3), 11, '😀😀...'],
    ['nothing', '', 80, ''],
  ]
  for (const [why, text, bytes, cut] of rows) assert.equal(cutText(text, bytes), cut, why)
})
