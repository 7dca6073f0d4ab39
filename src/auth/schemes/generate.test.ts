import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { Secret } from '../../util/secret.ts'
import {
  decideCredentials,
  findScheme,
  generatePassword,
  InvalidHash,
  passwordSchemes,
  verifyPassword,
} from './index.ts'
import { openLibcrypt } from './libcrypt.ts'

const libcrypt = await openLibcrypt()
const run = promisify(execFile)
const hasDoveadm = await run('doveadm', ['pw', '-l']).then(
  () => true,
  () => false,
)
const NO_DOVEADM = 'doveadm (dovecot-core) is not installed'

/** What Dovecot generates for this scheme cannot be verified, and ours is the same. */
const verifiable = passwordSchemes.filter((name) => name !== 'PLAIN-TRUNC')
const spellings = verifiable.flatMap((name) => [name, `${name}.hex`, `${name.toLowerCase()}.b64`])
const needsLibcrypt = (scheme: string): boolean => scheme.startsWith('DES') && libcrypt === undefined

for (const scheme of spellings) {
  test(`what is generated as ${scheme} verifies`, { skip: needsLibcrypt(scheme) ? 'no libcrypt' : false }, async () => {
    const password = new Secret('Pa55wörd!')
    const stored = await generatePassword({ scheme, password, user: 'joe@example.com' })
    assert.ok(stored.startsWith(`{${scheme.toUpperCase()}}`))
    const check = (given: string) =>
      verifyPassword({ stored, defaultScheme: 'PLAIN', password: new Secret(given), user: 'joe@example.com' })
    assert.deepEqual(await check('Pa55wörd!'), { kind: 'match' })
    assert.deepEqual(await check('Pa55word!'), { kind: 'mismatch' })
  })
}

test('Dovecot verifies what we generate', { skip: hasDoveadm ? false : NO_DOVEADM }, async () => {
  for (const scheme of verifiable.filter((name) => !needsLibcrypt(name))) {
    const stored = await generatePassword({ scheme, password: new Secret('Pa55wörd!'), user: 'joe@example.com' })
    const { stdout } = await run('doveadm', ['pw', '-t', stored, '-p', 'Pa55wörd!', '-u', 'joe@example.com'])
    assert.equal(stdout, `${stored} (verified)\n`)
  }
})

test('we verify what Dovecot generates', { skip: hasDoveadm ? false : NO_DOVEADM }, async () => {
  for (const scheme of verifiable.filter((name) => !needsLibcrypt(name))) {
    const { stdout } = await run('doveadm', ['pw', '-s', scheme, '-p', 'Pa55wörd!', '-u', 'joe@example.com'])
    const input = { stored: stdout.trimEnd(), defaultScheme: 'PLAIN', user: 'joe@example.com' }
    assert.deepEqual(await verifyPassword({ ...input, password: new Secret('Pa55wörd!') }), { kind: 'match' }, scheme)
    assert.deepEqual(
      await verifyPassword({ ...input, password: new Secret('xa55wörd!') }),
      { kind: 'mismatch' },
      scheme,
    )
  }
})

test('our list of schemes is that of Dovecot', { skip: hasDoveadm ? false : NO_DOVEADM }, async () => {
  const { stdout } = await run('doveadm', ['pw', '-l'])
  assert.deepEqual(stdout.trim().split(' ').sort(), [...passwordSchemes].sort())
})

/** Shapes that `doveadm pw -r` gives. */
const shapes = [
  ['SHA512-CRYPT', undefined, /^\{SHA512-CRYPT\}\$6\$[./0-9A-Za-z]{16}\$/],
  ['SHA512-CRYPT', 5000, /^\{SHA512-CRYPT\}\$6\$[./0-9A-Za-z]{16}\$/],
  ['SHA256-CRYPT', 400, /^\{SHA256-CRYPT\}\$5\$rounds=1000\$[./0-9A-Za-z]{16}\$/],
  ['CRYPT', undefined, /^\{CRYPT\}\$2y\$05\$.{53}$/],
  ['BLF-CRYPT', 3, /^\{BLF-CRYPT\}\$2y\$04\$/],
  ['BLF-CRYPT', 0, /^\{BLF-CRYPT\}\$2y\$05\$/],
  ['MD5', 7, /^\{MD5\}\$1\$.{8}\$.{22}$/],
  ['PBKDF2', 0, /^\{PBKDF2\}\$1\$[./0-9A-Za-z]{16}\$5000\$[0-9a-f]{40}$/],
  ['PBKDF2', 1, /^\{PBKDF2\}\$1\$[./0-9A-Za-z]{16}\$1\$/],
  ['SCRAM-SHA-1', 9999, /^\{SCRAM-SHA-1\}4096,/],
  ['ARGON2I', undefined, /^\{ARGON2I\}\$argon2i\$v=19\$m=32768,t=4,p=1\$.{22}\$.{43}$/],
  ['ARGON2I', 3, /m=32768,t=3,p=1/],
  ['ARGON2ID', 1, /^\{ARGON2ID\}\$argon2id\$v=19\$m=65536,t=3,p=1\$.{22}\$.{43}$/],
  ['ARGON2ID', 3, /m=262144,t=3,p=1/],
  ['OTP', 5, /^\{OTP\}sha1 1024 [0-9a-f]{16} [0-9a-f]{16}$/],
  ['SSHA', undefined, /^\{SSHA\}.{32}$/],
  ['PLAIN-TRUNC', undefined, /^\{PLAIN-TRUNC\}pass$/],
] as const

for (const [scheme, rounds, shape] of shapes) {
  test(`${scheme} with ${rounds ?? 'default'} rounds looks like Dovecot's`, async () => {
    const options = rounds === undefined ? {} : { rounds }
    assert.match(await generatePassword({ scheme, password: new Secret('pass'), ...options }), shape)
  })
}

const failures = [
  [{ scheme: 'nosuch' }, 'Unknown scheme: NOSUCH'],
  [{ scheme: 'ssha.foo' }, 'Unknown scheme: SSHA.FOO'],
  [{ scheme: 'ssha.none' }, 'Unknown scheme: SSHA.NONE'],
  [{ scheme: 'ssha.hex.hex' }, 'Unknown scheme: SSHA.HEX.HEX'],
  [{ scheme: 'digest-md5' }, 'digest_md5_generate(): username not given'],
  [{ scheme: 'argon2i', rounds: 2 }, 'crypto_pwhash_argon2i_str failed: Invalid argument'],
  [{ scheme: 'blf-crypt', rounds: 31 }, 'bcrypt cost 31 is above the limit of 16'],
] as const

for (const [options, message] of failures) {
  test(`generating ${JSON.stringify(options)} fails: ${message}`, async () => {
    await assert.rejects(generatePassword({ ...options, password: new Secret('pass') }), new InvalidHash(message))
  })
}

test('any password comes back from every quick scheme', async () => {
  const quick = verifiable.filter((name) => findScheme(name)?.slow === false && name !== 'OTP')
  const passwords = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1)))
  await fc.assert(
    fc.asyncProperty(passwords, fc.constantFrom(...quick), async (bytes, scheme) => {
      const password = new Secret(bytes)
      // Text schemes cannot hold what is no text, except encoded.
      const stored = await generatePassword({ scheme: `${scheme}.b64`, password, user: 'a@b' })
      assert.deepEqual(await verifyPassword({ stored, defaultScheme: '', password, user: 'a@b' }), { kind: 'match' })
    }),
    { numRuns: 200 },
  )
})

const credentials = [
  ['{PLAIN}pass', ['CRAM-MD5'], { scheme: 'PLAIN', text: 'pass' }],
  ['{CLEARTEXT.hex}70c3a4', ['SCRAM-SHA-256'], { scheme: 'PLAIN', text: 'pä' }],
  ['pass', ['CRAM-MD5'], { scheme: 'PLAIN', text: 'pass' }],
  [
    '{HMAC-MD5.b64}/110sZ48ubK59Py1SP4COutE9n8jGlqJcU0Itf7CK3g=',
    ['CRAM-MD5', 'PLAIN'],
    { scheme: 'CRAM-MD5', text: 'ff5d74b19e3cb9b2b9f4fcb548fe023aeb44f67f231a5a89714d08b5fec22b78' },
  ],
  [
    '{DIGEST-MD5}5gei1GwYYQ/LN8u+zNHPyw==',
    ['digest-md5'],
    { scheme: 'DIGEST-MD5', text: 'e607a2d46c18610fcb37cbbeccd1cfcb' },
  ],
  ['{SCRAM-SHA-1}4096,AA==,BB==,CC==', ['SCRAM-SHA-1'], { scheme: 'SCRAM-SHA-1', text: '4096,AA==,BB==,CC==' }],
] as const

for (const [stored, wanted, found] of credentials) {
  test(`${stored.slice(0, 30)} serves ${wanted[0]}`, () => {
    assert.deepEqual(decideCredentials(stored, 'PLAIN', wanted), { kind: 'found', credentials: found })
  })
}

test('a hash of another kind serves no challenge mechanism', () => {
  const log = 'Requested CRAM-MD5 scheme, but we have only SHA512-CRYPT'
  const other = decideCredentials('{SHA512-CRYPT}$6$x$y', 'PLAIN', ['CRAM-MD5'])
  assert.deepEqual(other, { kind: 'unusable', level: 'info', log })
  const unknown = decideCredentials('{NOSUCH}x', 'PLAIN', ['CRAM-MD5'])
  assert.deepEqual(unknown, { kind: 'unusable', level: 'error', log: 'Unknown scheme NOSUCH' })
})
