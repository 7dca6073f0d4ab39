import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeMutf7, encodeMutf7 } from './mutf7.ts'

test('modified UTF-7 is read as Dovecot reads it', () => {
  const rows: { why: string; text: string; name: string | undefined }[] = [
    { why: 'ASCII stands for itself', text: 'a~b.c/d', name: 'a~b.c/d' },
    { why: 'an ampersand', text: '&-', name: '&' },
    { why: 'one letter', text: '&AOk-', name: 'é' },
    { why: 'an ampersand right behind a run', text: '&AOk-&-', name: 'é&' },
    { why: 'unused bits may be set', text: '&AOm-', name: 'é' },
    { why: 'a pair of surrogates', text: '&2DzcDQ-', name: '\u{1f00d}' },
    { why: 'a noncharacter', text: '&,,,-', name: '\uffff' },
    { why: 'controls other than NUL: names refuse them, not the encoding', text: '&AAo-', name: '\n' },
    { why: 'DEL', text: '&AH8-', name: '\x7f' },
    { why: 'runs that touch', text: '&AOk-&AOk-', name: undefined },
    { why: 'encoded ASCII', text: '&AGE-', name: undefined },
    { why: 'an encoded ampersand', text: '&ACY-', name: undefined },
    { why: 'a run without end', text: '&AOk', name: undefined },
    { why: 'no run at all', text: '&', name: undefined },
    { why: 'too few letters', text: '&AA-', name: undefined },
    { why: 'one letter too many', text: '&AOkA-', name: undefined },
    { why: 'half a pair', text: '&2Dw-', name: undefined },
    { why: 'the other half', text: '&3A0-', name: undefined },
    { why: 'NUL', text: '&AAA-', name: undefined },
    { why: 'a blank within a run', text: '&AO k-', name: undefined },
    { why: 'the base64 of others', text: '&//8-', name: undefined },
    { why: 'DEL as it is', text: '\x7f', name: undefined },
    { why: 'eight bits', text: 'é', name: undefined },
    { why: 'a control', text: 'a\tb', name: undefined },
  ]
  for (const { why, text, name } of rows) assert.equal(decodeMutf7(text), name, why)
})

test('what was written is read again', () => {
  const unit = fc.oneof(fc.constantFrom('&', '-', ',', '/', 'é', '\u{1f00d}', ' ', '~'), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(fc.array(unit), (parts) => {
      const name = parts.join('').replaceAll('\0', '')
      const text = encodeMutf7(name)
      assert.ok(text !== undefined)
      assert.equal(decodeMutf7(text), name)
    }),
  )
  assert.equal(encodeMutf7('\ud83c'), undefined)
})
