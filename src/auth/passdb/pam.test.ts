import assert from 'node:assert/strict'
import { chmodSync, existsSync, globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import type { AuthOutcome } from '../auth.ts'
import { openAuthService } from '../service.ts'
import { openTestAuth, testAuthInput, type TestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'

const skip =
  globSync('/lib/*/security/pam_exec.so').length > 0 && existsSync('/usr/bin/perl')
    ? false
    : 'Linux-PAM with pam_exec, or Perl, is not installed'

const conf = (args: string): string => `auth_verbose = yes
auth_username_chars =
passdb {
  driver = pam
  args = ${args}
  override_fields = host=10.0.0.1
}`

const kindOf = (outcome: AuthOutcome): string => (outcome.kind === 'ok' ? 'ok' : outcome.why.kind)

/** Compares with a file; the password comes by stdin, the name in PAM_USER. */
const PROGRAM = `#!/usr/bin/perl
my ($file) = @ARGV;
local $/;
my $password = <STDIN>;
$password =~ s/\\0.*//s;
open(my $users, '<', $file) or exit 1;
for (split(/\\n/, <$users>)) {
  my ($name, $value) = split(/ /, $_, -1);
  exit(pack('H*', $value) eq $password ? 0 : 1) if pack('H*', $name) eq $ENV{PAM_USER};
}
exit 1;
`

/** pam_exec knows success and failure only; pam_deny makes a wrong password of the failure. */
const CHECKS = (
  program: string,
  file: string,
): string => `auth [success=1 default=ignore] pam_exec.so quiet expose_authtok ${program} ${file}
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
`

passdbSuite({
  name: 'pam',
  skip,
  async open(cleanup) {
    const dir = makeTempDir('pam')
    cleanup(() => removeTempDir(dir))
    const users = new Map(TEST_USERS.map(({ name, password }) => [name, password]))
    const file = join(dir, 'users')
    const program = join(dir, 'check')
    writeFileSync(program, PROGRAM)
    chmodSync(program, 0o755)
    const hex = (text: string): string => Buffer.from(text).toString('hex')
    const save = (): void =>
      writeFileSync(file, [...users].map(([name, password]) => `${hex(name)} ${hex(password)}\n`).join(''))
    save()
    writeFileSync(join(dir, 'mail'), CHECKS(program, file))
    const opened = await openTestAuth({ conf: conf(`confdir=${dir} session=yes setcred=yes mail`), clock: systemClock })
    return {
      ...opened,
      cannotLookUp: true,
      sharesHost: true,
      changePassword: (name, password) => {
        users.set(name, password)
        return Promise.resolve(save())
      },
      outage: {
        begin: () => Promise.resolve(writeFileSync(join(dir, 'mail'), 'auth required pam_no_such_module.so\n')),
        end: () => Promise.resolve(writeFileSync(join(dir, 'mail'), CHECKS(program, file))),
      },
    }
  },
})

async function withStack(t: TestContext, stack: string, args = 'mail'): Promise<TestAuth> {
  const dir = makeTempDir('pam')
  t.after(() => removeTempDir(dir))
  for (const service of ['mail', 'imap']) writeFileSync(join(dir, service), stack)
  const opened = await openTestAuth({ conf: conf(`confdir=${dir} ${args}`), clock: systemClock })
  t.after(() => opened.auth.close())
  return opened
}

const permit = 'auth required pam_permit.so\naccount required pam_permit.so\n'
const stacks: readonly (readonly [stack: string, expected: string, why: string])[] = [
  [permit, 'ok', 'everybody may'],
  ['auth required pam_deny.so\n', 'failed', 'nobody may'],
  ['auth required pam_permit.so\naccount required pam_deny.so\n', 'failed', 'the account is denied'],
  ['auth required pam_no_such_module.so\n', 'temporary', 'a module is missing'],
  ['auth required pam_exec.so quiet /bin/false\n', 'temporary', 'a program fails'],
]
for (const [stack, expected, why] of stacks) {
  test(`a stack: ${why}`, { skip }, async (t) => {
    const db = await withStack(t, stack)
    assert.equal(kindOf(await db.login('joe', 'secret')), expected, db.log.join('\n'))
  })
}

test('the service may be the protocol, and a worker is replaced after max_requests', { skip }, async (t) => {
  const db = await withStack(t, permit, 'max_requests=2 *')
  for (let i = 0; i < 5; i++) assert.equal(kindOf(await db.login('joe', 'secret')), 'ok', db.log.join('\n'))
})

test('a service without a file is a temporary failure or denied, never a way in', { skip }, async (t) => {
  const db = await withStack(t, permit, 'elsewhere')
  assert.notEqual(kindOf(await db.login('joe', 'secret')), 'ok')
})

test('a name cannot choose the service', { skip }, async (t) => {
  const db = await withStack(t, permit, '%u')
  assert.equal(kindOf(await db.login('../mail', 'secret')), 'temporary')
})

for (const [args, complaint] of [
  ['max_requests=0', /Invalid requests_max value: 0/],
  ['nonsense=1', /Unknown setting: nonsense=1/],
] as const) {
  test(`args may not be '${args}'`, async () => {
    const { input } = testAuthInput({ conf: conf(args) })
    await assert.rejects(openAuthService(input), { message: complaint })
  })
}

test('failure_show_msg is not obeyed, and the log says so', async (t) => {
  const { input, log } = testAuthInput({ conf: conf('failure_show_msg=yes mail') })
  const auth = await openAuthService(input)
  t.after(() => auth.close())
  assert.ok(log.some((line) => line.startsWith('warning auth: passdb pam: failure_show_msg is not supported')))
})
