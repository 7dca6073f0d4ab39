import assert from 'node:assert/strict'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import type { AuthOutcome } from '../auth.ts'
import { openTestAuth, testConnection, type TestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'

const conf = (program: string): string => `auth_verbose = yes
auth_username_chars =
passdb {
  driver = checkpassword
  args = ${program}
  override_fields = host=10.0.0.1
}
userdb {
  driver = checkpassword
  args = ${program}
}`

/** Reads name and password from descriptor 3, looks them up in a file, and runs what it was given. */
const PROGRAM = `#!/usr/bin/perl
my ($file, $reply) = @ARGV;
open(my $in, '<&=', 3) or exit 111;
local $/;
my ($user, $password) = split(/\\0/, <$in>, -1);
open(my $users, '<', $file) or exit 111;
my %known = map { my ($name, $value) = split(/ /, $_, -1); (pack('H*', $name), pack('H*', $value)) } split(/\\n/, <$users>);
exit 3 unless exists $known{$user};
my $lookup = ($ENV{AUTHORIZED} // '') eq '1';
exit 1 unless $lookup || $known{$user} eq $password;
%ENV = (%ENV, USER => $user, HOME => '/home', EXTRA => 'password', password => '{PLAIN}' . $known{$user});
delete $ENV{EXTRA} unless $lookup;
$ENV{AUTHORIZED} = 2 if $lookup;
exec { $reply } $reply;
`

function writeProgram(dir: string, name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

passdbSuite({
  name: 'checkpassword',
  skip: existsSync('/usr/bin/perl') ? false : 'its program is in Perl, which is not installed',
  open: async (cleanup) => {
    const dir = makeTempDir('checkpassword')
    cleanup(() => removeTempDir(dir))
    const users = new Map(TEST_USERS.map(({ name, password }) => [name, password]))
    const file = join(dir, 'users')
    const hex = (text: string): string => Buffer.from(text).toString('hex')
    const save = (): void =>
      writeFileSync(file, [...users].map(([name, password]) => `${hex(name)} ${hex(password)}\n`).join(''))
    save()
    const program = writeProgram(dir, 'check', PROGRAM)
    const opened = await openTestAuth({ conf: conf(`${program} ${file}`), clock: systemClock })
    return {
      ...opened,
      sharesHost: true,
      outage: {
        begin: () => Promise.resolve(rmSync(file)),
        end: () => Promise.resolve(save()),
      },
      changePassword: (name, password) => {
        users.set(name, password)
        return Promise.resolve(save())
      },
    }
  },
})

async function withScript(t: TestContext, script: string, settings = ''): Promise<TestAuth> {
  const dir = makeTempDir('checkpassword')
  t.after(() => removeTempDir(dir))
  const opened = await openTestAuth({
    conf: settings + conf(writeProgram(dir, 'check', `#!/bin/sh\n${script}\n`)),
    clock: systemClock,
  })
  t.after(() => opened.auth.close())
  return opened
}

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

const scripts: readonly (readonly [script: string, expected: string, why: string])[] = [
  ['USER=joe HOME=/h exec "$@"', 'ok', 'the reply program runs'],
  ['exec $CHECKPASSWORD_REPLY_BINARY', 'ok', 'by its name in the environment'],
  ['exit 1', 'failed', 'wrong password'],
  ['exit 3', 'failed', 'unknown user'],
  ['exit 111', 'temporary', 'temporary failure'],
  ['exit 2', 'temporary', 'misused'],
  ['exit 0', 'temporary', 'nothing was said'],
  ['kill -9 $$', 'temporary', 'it died'],
  ['echo broken >&2; exit 111', 'temporary', 'it complains'],
  ['yes x | head -c 1000000 >&4; exit 0', 'temporary', 'it says too much'],
  ['exec 3<&-; exit 1', 'failed', 'it does not read'],
]
for (const [script, expected, why] of scripts) {
  test(`a program: ${why}`, async (t) => {
    const db = await withScript(t, script)
    assert.equal(kindOf(await db.login('joe', 'secret')), expected, db.log.join('\n'))
  })
}

test('what the program sets becomes fields; what we had set is not taken for it', async (t) => {
  const db = await withScript(t, 'USER=jim HOME=/h EXTRA="color userdb_mail" color=blue userdb_mail=x exec "$1"')
  const outcome = await db.login('joe', 'secret')
  assert.ok(outcome.kind === 'ok')
  assert.equal(outcome.user, 'jim')
  assert.equal(outcome.fields.get('color'), 'blue')
  assert.deepEqual(
    [outcome.userdbFields.get('home'), outcome.userdbFields.get('mail'), outcome.userdbFields.get('uid')],
    ['/h', 'x', String(process.getuid?.())],
  )
})

test('the password is nowhere in the environment', async (t) => {
  const db = await withScript(t, 'env | grep -q topsecret && exit 1; exec "$1"')
  assert.equal(kindOf(await db.login('joe', 'topsecret')), 'ok')
})

test('a program that hangs is killed when the client leaves', async (t) => {
  const db = await withScript(t, 'exec sleep 60')
  const leaving = new AbortController()
  const login = db.login('joe', 'secret', { signal: leaving.signal })
  setTimeout(() => leaving.abort(), 50)
  assert.equal(kindOf(await login), 'temporary')
})

test('lookups need a program that says it knows them', async (t) => {
  const old = await withScript(t, 'USER=joe exec "$1"')
  const signal = AbortSignal.timeout(PATIENCE_MS)
  assert.equal((await old.auth.lookupUser(testConnection, 'joe', undefined, signal)).kind, 'temporary')
  const knowing = await withScript(t, '[ "$AUTHORIZED" = 1 ] && AUTHORIZED=2 USER=joe HOME=/h exec "$1"; exit 1')
  const found = await knowing.auth.lookupUser(testConnection, 'joe', undefined, signal)
  assert.equal(found.kind === 'found' && found.fields.get('home'), '/h')
})

test('at most auth_worker_max_count programs run at once', async (t) => {
  const dir = makeTempDir('busy')
  t.after(() => removeTempDir(dir))
  // Each leaves a mark while it runs, and fails when it sees another's.
  const script = `[ -e ${dir}/busy ] && exit 111; touch ${dir}/busy; sleep 0.05; rm ${dir}/busy; USER=joe exec "$1"`
  const db = await withScript(t, script, 'auth_worker_max_count = 1\n')
  const logins = Array.from({ length: 5 }, async () => kindOf(await db.login('joe', 'secret')))
  assert.deepEqual(await Promise.all(logins), ['ok', 'ok', 'ok', 'ok', 'ok'])
})
