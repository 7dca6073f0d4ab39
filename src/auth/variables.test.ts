import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestAuth } from './testing/open-auth.ts'
import { block } from './testing/service-options.ts'

const SHORT = 'undslrabpwmck!h'.split('').map((letter) => `%${letter}`)
const LONG =
  `user username domain domain_first domain_last service lip local_ip rip remote_ip lport local_port rport remote_port real_lip
  real_rip real_lport real_rport real_local_ip real_remote_ip real_local_port real_remote_port pid password mech mechanism secured
  cert home session login_user login_username login_domain master_user auth_user auth_username auth_domain orig_user original_user
  orig_username original_username orig_domain original_domain session_pid local_name client_id uid gid hostname passdb:x userdb:x
  forward_x passdb:forward_x env:X sha1:user if;%u;eq;%n;%d;%s`
    .split(/\s+/)
    .map((name) => `%{${name}}`)

test('every variable of logins is known when the configuration is looked at, and when somebody logs in', async (t) => {
  for (const variable of [...SHORT, ...LONG]) {
    const db = await openTestAuth({ conf: block('passdb', 'static', `password=s x=${variable}`) })
    t.after(() => db.auth.close())
    assert.equal((await db.login('joe', 's')).kind, 'ok', variable)
    assert.deepEqual(db.log, [], variable)
  }
})

test('a variable that nobody has is told when the server starts', async (t) => {
  const db = await openTestAuth({
    conf: `auth_username_format = %Lu%{nosuch}
${block('passdb', 'static', 'password=s x=%z', 'default_fields = y=%{md5:usr}')}
${block('passdb', 'sql', '/sql')}`,
    files: {
      '/sql': "driver = sqlite\nconnect = /none.db\npassword_query = SELECT '%{if;%{usr};eq;x;y;z}' AS password\n",
    },
  })
  t.after(() => db.auth.close())
  const warnings = db.log.filter((line) => line.startsWith('warning'))
  assert.deepEqual(warnings.toSorted(), [
    "warning auth: auth_username_format cannot be expanded, so nobody can log in: Unknown variable '%nosuch'",
    "warning auth: passdb static: args cannot be expanded: Unknown variable '%z'",
    "warning auth: passdb static: default_fields cannot be expanded: Unknown variable '%usr'",
    "warning auth: sql /sql: password_query cannot be expanded: Unknown variable '%usr'",
  ])
})
