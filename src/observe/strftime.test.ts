import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileStrftime } from './strftime.ts'

const AT = new Date(2026, 10, 1, 9, 5, 7)

const ROWS = [
  { format: '%b %d %H:%M:%S ', expected: 'Nov 01 09:05:07 ', why: "Dovecot's default keeps its trailing blank" },
  { format: '%F %T', expected: '2026-11-01 09:05:07', why: 'composed conversions' },
  { format: '%e|%y|%j|%a', expected: ' 1|26|305|Sun', why: 'blank and zero padding' },
  { format: '100%% %q', expected: '100% %q', why: 'a percent sign, and an unknown conversion as it stands' },
  { format: '', expected: '', why: 'no timestamp' },
]

for (const { format, expected, why } of ROWS) {
  test(`strftime "${format}": ${why}`, () => {
    assert.equal(compileStrftime(format)(AT), expected)
  })
}
