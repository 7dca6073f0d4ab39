import assert from 'node:assert/strict'
import { test } from 'node:test'
import { md4 } from './md4.ts'

/** RFC 1320 §A.5, and lengths around the padding boundaries (checked with Dovecot's PLAIN-MD4). */
const vectors = [
  { text: '', hex: '31d6cfe0d16ae931b73c59d7e0c089c0', why: 'nothing but padding' },
  { text: 'a', hex: 'bde52cb31de33e46245e05fbdbd6fb24', why: 'RFC 1320' },
  { text: 'abc', hex: 'a448017aaf21d8525fc10ae87aa6729d', why: 'RFC 1320' },
  { text: 'message digest', hex: 'd9130a8164549fe818874806e1c7014b', why: 'RFC 1320' },
  { text: 'abcdefghijklmnopqrstuvwxyz', hex: 'd79e1c308aa5bbcdeea8ed63df412da9', why: 'RFC 1320' },
  {
    text: '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
    hex: 'e33b4ddc9c38f2199c3e7b164fcc0536',
    why: 'RFC 1320: two blocks',
  },
  { text: 'pass', hex: '52e9e9e4f1cd6d1abc78aa866d2a5509', why: 'a stored Dovecot hash' },
]

for (const { text, hex, why } of vectors) {
  test(`md4 of "${text}": ${why}`, () => {
    assert.equal(md4(Buffer.from(text)).toString('hex'), hex)
  })
}
