import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { passwordHashes } from '../../../test/vectors/password-hashes.ts'
import { canCryptByHand, cryptByHand } from './crypt-by-hand.ts'
import { CryptThreads } from './crypt-threads.ts'
import { openLibcrypt } from './libcrypt.ts'

const handMade = passwordHashes
  .map(({ password, stored }) => ({ password, hash: stored.replace(/^\{(?:MD5|[A-Z0-9-]*CRYPT)\}/, '') }))
  .filter(({ hash }) => canCryptByHand(hash) && !hash.endsWith('$foo'))

for (const { password, hash } of handMade) {
  test(`by hand, "${password}" gives ${hash.slice(0, 30)}...`, () => {
    assert.equal(cryptByHand(Buffer.from(password), hash), hash)
  })
}

test('by hand, long salts are cut and too few rounds are 1000, as the description of SHA crypt shows', () => {
  const long = cryptByHand(Buffer.from('Hello world!'), '$6$rounds=10000$saltstringsaltstring')
  const published =
    '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.'
  assert.equal(long, published)
  const few = cryptByHand(Buffer.from('the minimum number is still observed'), '$5$rounds=10$roundstoolow')
  assert.match(few ?? '', /^\$5\$rounds=1000\$roundstoolow\$.{43}$/)
})

test('by hand is what libcrypt says, for any password and salt', async (t) => {
  const libcrypt = await openLibcrypt()
  if (libcrypt === undefined) return t.skip('libcrypt or the npm package koffi is not installed')
  const bytes = fc
    .uint8Array({ minLength: 0, maxLength: 140 })
    .map((array) => Buffer.from(array.map((byte) => byte || 1)))
  const salt = fc.string({ unit: fc.constantFrom(...'./09AZaz'.split('')), minLength: 1, maxLength: 16 })
  const prefix = fc.constantFrom('$1$', '$5$rounds=1000$', '$6$rounds=1001$')
  fc.assert(
    fc.property(bytes, salt, prefix, (password, saltText, kind) => {
      const setting = `${kind}${kind === '$1$' ? saltText.slice(0, 8) : saltText}$`
      assert.equal(cryptByHand(password, setting), libcrypt.crypt(password, setting))
    }),
    { numRuns: 60 },
  )
})

test('other settings are not computed by hand', () => {
  for (const setting of ['', 'ab', '$2y$05$abc', '$y$j9T$x$', '$1x$', '$7$']) {
    assert.equal(cryptByHand(Buffer.from('pass'), setting), undefined)
    assert.equal(canCryptByHand(setting), false)
  }
})

test('threads compute crypt hashes while the event loop goes on', async (t) => {
  const threads = new CryptThreads()
  t.after(() => threads.close())
  const setting = '$6$rounds=100000$saltstring$'
  let turns = 0
  const ticking = setInterval(() => (turns += 1), 5)
  t.after(() => clearInterval(ticking))
  const [first, second] = await Promise.all([
    threads.crypt({ password: Buffer.from('a'), setting }),
    threads.crypt({ password: Buffer.from('b'), setting: '$1$salt$' }),
  ])
  assert.match(first ?? '', /^\$6\$rounds=100000\$saltstring\$.{86}$/)
  assert.match(second ?? '', /^\$1\$salt\$.{22}$/)
  assert.ok(turns > 3, `the event loop turned ${turns} times`)
})
