import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { loadConfig } from '../../config/load.ts'
import { findPostLogin, PostLoginDenied, type PostLoginOutcome, runPostLogin } from './post-login.ts'

const SYSTEM = {
  user: async () => await Promise.resolve(undefined),
  group: async () => await Promise.resolve(undefined),
}
const INPUT = {
  user: 'joe',
  remoteIp: '192.0.2.7',
  localIp: '192.0.2.1',
  fields: new Map([
    ['home', '/home/joe'],
    ['master_user', 'admin'],
  ]),
}

async function run(t: TestContext, ...scripts: readonly string[]): Promise<PostLoginOutcome> {
  const dir = makeTempDir('post-login')
  t.after(() => removeTempDir(dir))
  const words = scripts.map((script, index) => {
    const path = join(dir, `script${index}`)
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return path
  })
  return await runPostLogin({ words, user: '' }, INPUT, SYSTEM)
}

test('a script that changes nothing changes nothing', async (t) => {
  assert.deepEqual(await run(t, 'exec "$@"'), { fields: INPUT.fields, notice: '' })
})

test('fields that were there are taken back', async (t) => {
  const { fields } = await run(t, 'MASTER_USER=$USER; export MASTER_USER; exec "$@"')
  assert.equal(fields.get('master_user'), 'joe')
})

test('new ones only when they are named', async (t) => {
  const script = 'ACL_GROUPS=staff,extra; export ACL_GROUPS; QUOTA_RULE=x; export QUOTA_RULE'
  const { fields } = await run(t, `${script}; USERDB_KEYS="$USERDB_KEYS acl_groups"; export USERDB_KEYS; exec "$@"`)
  assert.equal(fields.get('acl_groups'), 'staff,extra')
  assert.equal(fields.has('quota_rule'), false)
})

test('several run one after the other', async (t) => {
  const { fields, notice } = await run(
    t,
    'HOME=/one; export HOME; exec "$@"',
    'echo "* OK [ALERT] $HOME $IP $LOCAL_IP"; exec "$@"',
  )
  assert.equal(fields.get('home'), '/one')
  assert.equal(notice, '* OK [ALERT] /one 192.0.2.7 192.0.2.1\n')
})

for (const [why, script, text] of [
  ['a status', 'echo no >&2; exit 1', 'Post-login script denied access to user joe (exit status 1: no)'],
  ['an end without exec', 'exit 0', 'Post-login script denied access to user joe (exit status 0)'],
] as const) {
  test(`${why} denies access`, async (t) => {
    await assert.rejects(run(t, script), new PostLoginDenied(text))
  })
}

test('a program that is not there denies access', async () => {
  await assert.rejects(runPostLogin({ words: ['/no/such/script'], user: '' }, INPUT, SYSTEM), /denied access.*ENOENT/)
})

test('the scripts are those of the service that has the socket', () => {
  const text = `protocols = imap
service imap {
  executable = imap imap-postlogin
}
service imap-postlogin {
  executable = script-login -d /usr/local/bin/a.sh /usr/local/bin/b.sh
  user = nobody
  unix_listener imap-postlogin {
  }
}
`
  const { config } = loadConfig({
    path: '/dovecot.conf',
    files: { read: () => Buffer.from(text), glob: () => [] },
  })
  assert.ok(config)
  assert.deepEqual(findPostLogin(config, 'imap'), {
    words: ['/usr/local/bin/a.sh', '/usr/local/bin/b.sh'],
    user: 'nobody',
  })
  assert.equal(findPostLogin(config, 'pop3'), undefined)
})
