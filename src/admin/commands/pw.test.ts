import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { runPw } from './pw.ts'
import { passwordReader } from './read-password.ts'

const run = promisify(execFile)
const hasDoveadm = await run('doveadm', ['pw', '-l']).then(
  () => true,
  () => false,
)

async function pw(argv: readonly string[], typed: readonly string[] = []) {
  let [stdout, stderr] = ['', '']
  const prompts: string[] = []
  const answers = [...typed]
  const status = await runPw(argv, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    readPassword(prompt) {
      prompts.push(prompt)
      return Promise.resolve(answers.shift() ?? '')
    },
  })
  return { status, stdout, stderr, prompts }
}

const ssha = 'UpJsU+NC6AL5y2iGT8v9XGpBMDiH8+uL'

/** Arguments, exit status, and the last line said. The ones before `postern` are what Dovecot prints, too. */
const rows: readonly (readonly [readonly string[], number, string | RegExp])[] = [
  [['-s', 'plain', '-p', 'x'], 0, '{PLAIN}x'],
  [['-splain', '-px'], 0, '{PLAIN}x'],
  [['-Vsplain', '-p', 'x'], 0, '{PLAIN}x (verified)'],
  [['-s', 'sha1.hex', '-p', 'pass'], 0, '{SHA1.HEX}9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684'],
  [['-s', 'PLAIN.B64', '-V', '-p', 'pass'], 0, '{PLAIN.B64}cGFzcw== (verified)'],
  [['-s', 'digest-md5', '-u', 'joe', '-p', 'pass'], 0, '{DIGEST-MD5}2814e3681dd639598d2fcef930e5aada'],
  [['-s', 'pbkdf2', '-r', '7x', '-p', 'x'], 0, /^\{PBKDF2\}\$1\$.{16}\$5000\$/],
  [['-p', 'x'], 0, /^\{CRYPT\}\$2y\$05\$/],
  [['-t', `{SSHA}${ssha}`, '-p', 'pass'], 0, `{SSHA}${ssha} (verified)`],
  [['-t', '{plain}x', '-p', 'x'], 0, '{plain}x (verified)'],
  [
    ['-t', '$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0$foo', '-p', 'pass'],
    0,
    '{MD5-CRYPT}$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0 (verified)',
  ],
  [['-t', '{PLAIN}', '-p', ''], 0, '{PLAIN} (verified)'],
  [['-t', '{PLAIN}x', '-p', 'y'], 75, 'Fatal: reverse password verification check failed: Password mismatch'],
  [['-t', '{SSHA}', '-p', 'x'], 75, 'Fatal: reverse password verification check failed: SSHA password is too short'],
  [['-t', '{DIGEST-MD5}x', '-p', 'x'], 75, "Fatal: reverse decode check failed: Input isn't valid base64 encoded data"],
  [
    ['-t', '{CRAM-MD5}ff5d74b1', '-p', 'x'],
    75,
    "Fatal: reverse decode check failed: Input length isn't valid (6 instead of 32)",
  ],
  [['-t', '{NOSUCH}x', '-p', 'x'], 75, 'Fatal: reverse decode check failed: Unknown scheme'],
  [['-t', '{}x', '-p', 'x'], 75, 'Fatal: reverse decode check failed: Unknown scheme'],
  [['-t', 'xx', '-p', 'x'], 75, 'Fatal: Missing {scheme} prefix from hash'],
  [
    ['-t', '{DIGEST-MD5}2814e3681dd639598d2fcef930e5aada', '-p', 'x'],
    75,
    'Fatal: digest_md5_generate(): username not given',
  ],
  [['-s', 'nosuch', '-p', 'x'], 75, 'Fatal: Unknown scheme: NOSUCH'],
  [['-s', 'digest-md5', '-p', 'x'], 75, 'Fatal: digest_md5_generate(): username not given'],
  [['-s', 'argon2i', '-r', '2', '-p', 'x'], 75, 'Fatal: crypto_pwhash_argon2i_str failed: Invalid argument'],
]

for (const [argv, status, line] of rows) {
  test(`doveadm pw ${argv.join(' ')} ends with ${status}`, async () => {
    const answer = await pw(argv)
    const said = (status === 0 ? answer.stdout : answer.stderr).trimEnd()
    assert.equal(answer.status, status, said)
    if (typeof line === 'string') assert.equal(said, line)
    else assert.match(said, line)
  })
}

test('Dovecot says the same', { skip: hasDoveadm ? false : 'doveadm (dovecot-core) is not installed' }, async () => {
  for (const [argv, status, line] of rows) {
    const theirs = await run('doveadm', ['pw', ...argv]).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stderr: string }) => ({ code: error.code, text: error.stderr }),
    )
    assert.equal(theirs.code, status, argv.join(' '))
    if (typeof line === 'string') assert.equal(theirs.text.trimEnd(), line)
  }
})

test('wrong options are a usage error', async () => {
  for (const [argv, complaint] of [
    [['-z'], "pw: invalid option -- 'z'"],
    [['-p'], "pw: option requires an argument -- 'p'"],
    [['a', 'b'], 'Error: Extraneous arguments found: a b'],
  ] as const) {
    const { status, stderr, stdout } = await pw(argv)
    assert.equal(status, 64)
    assert.equal(stdout, '')
    assert.equal(stderr.split('\n')[0], complaint)
  }
})

test('-l lists the schemes', async () => {
  const { stdout, status } = await pw(['-l'])
  assert.equal(status, 0)
  assert.match(stdout, /^SHA1 SSHA512 .* LDAP-MD5 \n$/)
})

test('a password that is not given is asked for, twice when it is new', async () => {
  const made = await pw(['-s', 'plain'], ['a', 'a'])
  assert.deepEqual([made.stdout, made.prompts], ['{PLAIN}a\n', ['Enter new password: ', 'Retype new password: ']])
  const checked = await pw(['-t', '{PLAIN}x'], ['x'])
  assert.deepEqual([checked.stdout, checked.prompts], ['{PLAIN}x (verified)\n', ['Enter password to verify: ']])
  const mistyped = await pw(['-s', 'plain'], ['a', 'b', 'c', 'c'])
  assert.deepEqual([mistyped.stdout, mistyped.stderr], ['{PLAIN}c\n', "Error: Passwords don't match!\n"])
  const never = await pw(['-s', 'plain'], ['a', 'b', 'a', 'b', 'a', 'b'])
  assert.deepEqual([never.status, never.stdout], [1, ''])
})

test('passwords are read line by line from what is no terminal', async () => {
  const input = new PassThrough()
  const output = new PassThrough()
  const reader = passwordReader(input as unknown as NodeJS.ReadStream, output as unknown as NodeJS.WriteStream)
  input.end('one\ntwo words\n')
  assert.deepEqual([await reader.read('?'), await reader.read('?'), await reader.read('?')], ['one', 'two words', ''])
  assert.equal(output.read(), null)
  reader.close()
})

test('a terminal shows the prompts, not what is typed', async () => {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input })
  const output = new PassThrough()
  const reader = passwordReader(input as unknown as NodeJS.ReadStream, output as unknown as NodeJS.WriteStream)
  const reading = reader.read('Enter new password: ')
  input.write('secret\r')
  assert.equal(await reading, 'secret')
  assert.equal(String(output.read()), 'Enter new password: \n')
  reader.close()
})
