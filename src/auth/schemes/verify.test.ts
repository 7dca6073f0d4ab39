import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passwordHashes } from '../../../test/vectors/password-hashes.ts'
import { Secret } from '../../util/secret.ts'
import { openLibcrypt } from './libcrypt.ts'
import { type VerifyOutcome, verifyDummy, verifyPassword } from './verify.ts'

const libcrypt = await openLibcrypt()
const NO_LIBCRYPT = 'libcrypt or the npm package koffi is not installed'

async function verify(stored: string, password: string, user = 'joe@example.com'): Promise<VerifyOutcome> {
  return await verifyPassword({ stored, defaultScheme: 'CRYPT', password: new Secret(password), user })
}

/** DES, yescrypt, NT: nothing but libcrypt knows them. */
const needsLibcrypt = (stored: string): boolean => /^\{DES-CRYPT|^\{CRYPT\}\$[y3]\$/.test(stored)

for (const { what, password, stored, user } of passwordHashes) {
  const skip = needsLibcrypt(stored) && libcrypt === undefined ? NO_LIBCRYPT : false
  test(`${what}: the right password matches, others do not`, { skip }, async () => {
    assert.deepEqual(await verify(stored, password, user), { kind: 'match' })
    assert.deepEqual(await verify(stored, `x${password}`, user), { kind: 'mismatch' })
    // PLAIN-TRUNC is the one scheme that takes more.
    if (!stored.startsWith('{PLAIN-TRUNC}3'))
      assert.deepEqual(await verify(stored, `${password}\0`, user), { kind: 'mismatch' })
  })
}

const invalid = 'Invalid password in passdb:'
const complaints = [
  ['{UNKNOWN}xx', 'Unknown scheme UNKNOWN'],
  ['{}xx', 'Unknown scheme '],
  ['{SHA.foo}9d4e', 'Unknown scheme SHA.foo'],
  ['{SHA.}9d4e', 'Unknown scheme SHA.'],
  ['{SHA.b64.x}9d4e', 'Unknown scheme SHA.b64.x'],
  ['{constructor}x', 'Unknown scheme constructor'],
  [
    '{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ',
    "Password data is not valid for scheme SHA: Input isn't valid base64 encoded data",
  ],
  [
    '{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ=x',
    "Password data is not valid for scheme SHA: Input isn't valid base64 encoded data",
  ],
  ['{sha}====', "Password data is not valid for scheme sha: Input isn't valid base64 encoded data"],
  ['{SHA}', "Password data is not valid for scheme SHA: Input length isn't valid (0 instead of 20)"],
  [
    '{SHA}zd4e1e23bd5b727046a9e3b4b7db57bd8d6ee684',
    "Password data is not valid for scheme SHA: Input length isn't valid (30 instead of 20)",
  ],
  [
    '{SHA.hex}zd4e1e23bd5b727046a9e3b4b7db57bd8d6ee684',
    "Password data is not valid for scheme SHA.hex: Input isn't valid HEX encoded data",
  ],
  ['{SHA.hex}9d4', "Password data is not valid for scheme SHA.hex: Input isn't valid HEX encoded data"],
  ['{SHA.hex}9d4e', "Password data is not valid for scheme SHA.hex: Input length isn't valid (2 instead of 20)"],
  ['{PLAIN.hex}zz', "Password data is not valid for scheme PLAIN.hex: Input isn't valid HEX encoded data"],
  ['{PLAIN.b64}!!', "Password data is not valid for scheme PLAIN.b64: Input isn't valid base64 encoded data"],
  ['{CRAM-MD5}ff5d74b1', "Password data is not valid for scheme CRAM-MD5: Input length isn't valid (6 instead of 32)"],
  ['{SSHA}', `${invalid} SSHA password is too short`],
  ['{SMD5}6SG0z+26AsG1G++nRrs=', `${invalid} SMD5 password is too short`],
  ['{PLAIN-TRUNC}x-pas', `${invalid} PLAIN-TRUNC missing length: prefix`],
  ['{PLAIN-TRUNC}4pass', `${invalid} PLAIN-TRUNC missing length: prefix`],
  [
    '{CRYPT}$2q$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW',
    `${invalid} crypt_blowfish_rn failed: Invalid argument`,
  ],
  [
    '{CRYPT}$2y$03$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW',
    `${invalid} crypt_blowfish_rn failed: Invalid argument`,
  ],
  ['{CRYPT}$2y$05$short', `${invalid} crypt_blowfish_rn failed: Invalid argument`],
  ['{BLF-CRYPT}x', `${invalid} Password is not blowfish password`],
  ['{BLF-CRYPT}$6$8ZJ2HmCwx8B2gI7.$x', `${invalid} Password is not blowfish password`],
  ['{MD5}zzz', `${invalid} Not a valid MD5-CRYPT or PLAIN-MD5 password`],
  ['{PBKDF2}', `${invalid} Invalid PBKDF2 passdb entry prefix`],
  ['{PBKDF2}$2$x$1$aa', `${invalid} Invalid PBKDF2 passdb entry prefix`],
  ['{PBKDF2}$1$x$5000', `${invalid} Invalid PBKDF2 passdb entry format`],
  ['{PBKDF2}$1$x$x$03ef9a1fde33208a51a5010a199c80c7251ecffe', `${invalid} Invalid PBKDF2 passdb entry format`],
  ['{PBKDF2}$1$x$1$aa', `${invalid} PBKDF2 hash not 160bit hex-encoded`],
  ['{SCRAM-SHA-1}x', `${invalid} Invalid SCRAM-SHA-1 passdb entry format`],
  ['{SCRAM-SHA-1}1,AA==,AA==,AA==', `${invalid} Invalid SCRAM-SHA-1 iteration count in passdb`],
  ['{SCRAM-SHA-256}99999999999,AA==,AA==,AA==', `${invalid} Invalid SCRAM-SHA-256 iteration count in passdb`],
  ['{SCRAM-SHA-1}4096,AA==,AA==,AA==', `${invalid} Invalid SCRAM-SHA-1 StoredKey in passdb`],
  ['{SCRAM-SHA-1}4096,AA==,a1pu9YuEuJvgNHCokcnKjSnzTZ4=,AA==', `${invalid} Invalid SCRAM-SHA-1 ServerKey in passdb`],
  ['{OTP}x', `${invalid} Invalid OTP data in passdb`],
  ['{OTP}SHA1 1024 29f8f8637f745149 84aa281ffad27b65', `${invalid} Invalid OTP data in passdb`],
] as const

for (const [stored, log] of complaints) {
  test(`${stored} is invalid: ${log}`, async () => {
    assert.deepEqual(await verify(stored, 'pass'), { kind: 'invalid', log })
  })
}

/** Mismatches in Dovecot too. */
const mismatches = [
  ['{PLAIN-TRUNC}5-pas', 'pass', 'a text of another length than it says is compared whole'],
  ['{PLAIN-TRUNC}-pas', 'pass', 'no length is 0'],
  ['{CRYPT}', '', 'an empty hash matches nothing'],
  ['{CRYPT}x', 'x', 'a locked account'],
  ['{CRYPT}*', '*', 'a locked account'],
  ['!', 'pass', 'a locked account'],
  ['{CRYPT}*0', '*0', "libcrypt's word for failure"],
  ['{CRYPT}*1', '*1', "libcrypt's word for failure"],
  ['{CRYPT}$2$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW', 'pass', 'a kind nobody has'],
  ['{CRYPT}$2y$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tk', 'pass', 'cut off in the database'],
  ['{MD5}$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0$', 'pass', 'with a scheme, nothing may follow'],
  ['{MD5-CRYPT}VknvCkX/$f4kMtPlRRvUawZp6uMewz0', 'pass', 'without $1$'],
  ['{MD5-CRYPT}$6$8ZJ2HmCwx8B2gI7.$x', 'pass', 'another kind of crypt'],
  ['{SHA512-CRYPT}$6$rounds=10$8ZJ2HmCwx8B2gI7.$x', 'pass', 'cut off'],
  [
    '{SHA512-CRYPT}$6$rounds=010000$5GEp0iTVXrDsREcg$cCFZqmh/Um1GxexBRylNrfKWjoULwt/tz63.9jliDCug68T2C5dARZoDj59kfjWoDQoi5R5zLeUpBf9YhLrc3/',
    'pass',
    'rounds with a leading zero',
  ],
  ['{ARGON2ID}x', 'pass', 'no PHC string'],
  [
    '{ARGON2ID}$argon2d$v=19$m=8,t=1,p=1$4j6ROqxiI/+WJxbo7L165g$DPGBAS3FL6wfcplFOpJU78N',
    'pass',
    'a kind that is not taken',
  ],
  [
    '{ARGON2ID}$argon2id$v=19$m=1,t=0,p=0$4j6ROqxiI/+WJxbo7L165g$DPGBAS3FL6wfcplFOpJU78N',
    'pass',
    'impossible parameters',
  ],
  ['{PBKDF2}$1$x$0$03ef9a1fde33208a51a5010a199c80c7251ecffe', 'pass', 'no rounds'],
  ['{SCRAM-SHA-1}4096,x,a1pu9YuEuJvgNHCokcnKjSnzTZ4=,xxn3V18k9OCAQzLPryyetI2ibWw=', 'pass', 'another salt'],
  ['{xx', 'pass', 'an opening brace belongs to the hash'],
] as const

for (const [stored, password, why] of mismatches) {
  test(`${stored.slice(0, 60)} does not match "${password}": ${why}`, {
    skip: libcrypt === undefined ? NO_LIBCRYPT : false,
  }, async () => {
    assert.deepEqual(await verify(stored, password), { kind: 'mismatch' })
  })
}

/** A database entry may not occupy the server. */
const tooCostly = [
  ['{CRYPT}$2y$31$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW', 'bcrypt cost 31 is above the limit of 16'],
  ['{CRYPT}$6$rounds=999999999$8ZJ2HmCwx8B2gI7.$x', 'Password hash needs 999999999 rounds, the limit is 5000000'],
  ['{CRYPT}$sha1$999999999$x$x', 'Password hash needs 999999999 rounds, the limit is 5000000'],
  ['{CRYPT}$y$jKj$F5Jx5fExrKuPp53xLKQ..1$x', 'Password hash needs 50331648 KiB of memory, the limit is 1048576'],
  ['{CRYPT}$y$zzzzz$F5Jx5fExrKuPp53xLKQ..1$x', 'Unknown yescrypt parameters'],
  ['{CRYPT}$7$K6..../....SodiumChloride$x', 'Password hash needs 4194304 KiB of memory, the limit is 1048576'],
  [
    '{ARGON2ID}$argon2id$v=19$m=4294967295,t=1,p=1$4j6ROqxiI/+WJxbo7L165g$DPGBAS3FL6wfcplFOpJU78N',
    'Argon2 parameters m=4294967295,t=1,p=1 are above the limits',
  ],
  [
    '{ARGON2ID}$argon2id$v=19$m=65536,t=999999,p=1$4j6ROqxiI/+WJxbo7L165g$DPGBAS3FL6wfcplFOpJU78N',
    'Argon2 parameters m=65536,t=999999,p=1 are above the limits',
  ],
  [
    '{PBKDF2}$1$x$4294967295$03ef9a1fde33208a51a5010a199c80c7251ecffe',
    'PBKDF2 needs 4294967295 rounds, the limit is 10000000',
  ],
  [
    '{SCRAM-SHA-1}1000000000,AA==,a1pu9YuEuJvgNHCokcnKjSnzTZ4=,xxn3V18k9OCAQzLPryyetI2ibWw=',
    'SCRAM-SHA-1 needs 1000000000 iterations, the limit is 10000000',
  ],
] as const

for (const [stored, message] of tooCostly) {
  test(`${stored.slice(0, 50)} is refused: ${message}`, { timeout: 60_000 }, async () => {
    assert.deepEqual(await verify(stored, 'pass'), { kind: 'invalid', log: `${invalid} ${message}` })
  })
}

test('a stored password of a megabyte is refused', async () => {
  const outcome = await verify(`{PLAIN}${'x'.repeat(1_000_000)}`, 'x')
  assert.deepEqual(outcome, { kind: 'invalid', log: 'Stored password is longer than 4096 bytes' })
})

test('without a prefix the default scheme of the database counts', async () => {
  const check = (defaultScheme: string, stored: string) =>
    verifyPassword({ stored, defaultScheme, password: new Secret('pass'), user: 'joe' })
  assert.deepEqual(await check('PLAIN', 'pass'), { kind: 'match' })
  assert.deepEqual(await check('plain-md5', '1a1dc91c907325c69271ddf0c944bc72'), { kind: 'match' })
  assert.deepEqual(await check('SSHA.hex', 'e581eef4855fb138bacfa42f0a4d22e4fc004f6b52f94625'), { kind: 'match' })
  assert.deepEqual(await check('MD5', '$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0'), { kind: 'match' })
  assert.deepEqual(await check('PLAIN', '{pass'), { kind: 'mismatch' })
  assert.deepEqual(await check('NOSUCH', 'pass'), { kind: 'invalid', log: 'Unknown scheme NOSUCH' })
})

test('no outcome holds the stored password', async () => {
  for (const [stored] of complaints) {
    const data = stored.slice(stored.indexOf('}') + 1)
    const outcome = await verify(stored, 'pass')
    if (data.length > 6) assert.ok(!JSON.stringify(outcome).includes(data), stored)
  }
})

test('passwords that are no UTF-8 are compared byte by byte', async () => {
  const password = new Secret(Buffer.from([0xff, 0xff, 0xa3]))
  const check = (stored: string) => verifyPassword({ stored, defaultScheme: 'CRYPT', password, user: '' })
  // The test vectors of crypt_blowfish.
  assert.deepEqual(await check('$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e'), { kind: 'match' })
  assert.deepEqual(await check('{PLAIN.hex}ffffa3'), { kind: 'match' })
})

test('$2x$ repeats the historic error with 8-bit passwords', {
  skip: libcrypt === undefined ? NO_LIBCRYPT : false,
}, async () => {
  const stored = '$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e'
  const outcome = await verifyPassword({
    stored,
    defaultScheme: 'CRYPT',
    password: new Secret(Buffer.from([0xa3])),
    user: '',
  })
  assert.deepEqual(outcome, { kind: 'match' })
})

test('an unknown user costs about what a known one does', async () => {
  // Warm: the dummy takes the cost of the last hash met with the same default scheme.
  const stored = '{BLF-CRYPT}$2y$08$udOkyMsWdQwbiYnHVlm/eOpSBrM0uHRldEL3SMYY1mSVpFdUDdzGK'
  const password = new Secret('wrong')
  const real = async () => verifyPassword({ stored, defaultScheme: 'SSHA', password, user: 'joe' })
  const dummy = async () => verifyDummy({ defaultScheme: 'SSHA', password })
  await real()
  const [realMs, dummyMs] = [await leastCpuMs(real), await leastCpuMs(dummy)]
  assert.ok(
    dummyMs > realMs / 2 && dummyMs < realMs * 2,
    `${dummyMs} ms for an unknown user, ${realMs} ms for a known one`,
  )
  assert.deepEqual(await dummy(), { kind: 'mismatch' })
})

test('before any hash was met, an unknown user costs what a new hash of the default scheme does', async () => {
  assert.deepEqual(await verifyDummy({ defaultScheme: 'PBKDF2', password: new Secret('x') }), { kind: 'mismatch' })
  assert.deepEqual(await verifyDummy({ defaultScheme: 'PLAIN', password: new Secret('x') }), { kind: 'mismatch' })
  assert.deepEqual(await verifyDummy({ defaultScheme: 'NOSUCH', password: new Secret('x') }), { kind: 'mismatch' })
})

/** CPU time of the process, threads included: what others on the machine do does not count. */
async function leastCpuMs(job: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage()
    await job()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}
