import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/config.ts'
import { checkLocalUsers } from './local-user-checks.ts'

const passdb = (driver: string, args = '', more = ''): string =>
  `passdb {\n  driver = ${driver}\n  args = ${args}\n${more}}\n`

const FILES: Readonly<Record<string, string>> = {
  '/proxied': '# users\njoe:{PLAIN}pw:::::: proxy host=192.0.2.1\nout:{PLAIN}pw:::::: nologin\nlocked:!::::::\n',
  '/mixed': 'joe:{PLAIN}proxy:::::: proxy host=192.0.2.1\njane:{PLAIN}proxy:8:8::/home/proxy::\n',
  '/sql':
    "driver = sqlite\npassword_query = SELECT password, \\\n  host, 'Y' AS proxy_maybe FROM users\nuser_query = SELECT home\n",
  '/sql-local':
    '# proxy\npassword_query = \\\n  SELECT userid AS user, password \\\n  FROM users\nuser_query = SELECT proxy\n',
  '/sql-all': 'password_query = SELECT * FROM users\n',
  '/sql-call': 'password_query = CALL find("%u")\n',
  '/ldap': 'pass_attrs = userPassword=password, mailHost=host, =proxy=y\n',
  '/ldap-local': 'pass_attrs = uid=user, userPassword=password\n',
}

const rows: readonly [text: string, found: readonly string[], why: string][] = [
  [passdb('pam'), ['pam: sieve and submission'], 'system users'],
  [passdb('pam', '', '  default_fields = proxy=y host=192.0.2.1\n'), [], 'system users of a proxy'],
  [passdb('static', 'nopassword=y proxy=y host=192.0.2.1'), [], 'a proxy of everybody'],
  [passdb('static', 'nopassword=y proxy=y host=192.0.2.1') + passdb('pam'), [], 'nobody comes to the second'],
  [passdb('static', 'password=x'), ['static: sieve and submission'], 'nobody is proxied'],
  [passdb('passwd-file', '/proxied'), [], 'all rows send away'],
  [passdb('passwd-file', 'scheme=plain /mixed'), ['passwd-file: sieve and submission'], 'one does not'],
  [passdb('passwd-file', '/users/%d'), [], 'a file for each domain'],
  [passdb('passwd-file', '/missing'), [], 'told elsewhere'],
  [passdb('sql', '/sql'), [], 'a column says it'],
  [passdb('sql', '/sql-local'), ['sql: sieve and submission'], 'no column does'],
  [passdb('sql', '/sql-all'), [], 'who knows the columns'],
  [passdb('sql', '/sql-call'), [], 'or what it returns'],
  [passdb('ldap', '/ldap'), [], 'an attribute'],
  [passdb('ldap', '/ldap-local'), ['ldap: sieve and submission'], 'none'],
  [passdb('dict', '/dict'), [], 'values are anything'],
  [
    passdb('pam', '', '  deny = yes\n') + passdb('pam', '', '  master = yes\n') + passdb('sql', '/sql'),
    [],
    'other roles',
  ],
  [
    passdb('pam', '', '  result_success = continue-ok\n') + passdb('static', 'proxy=y noauthenticate=y'),
    [],
    'added later',
  ],
  [
    `${passdb('pam')}protocol sieve {\n${passdb('static', 'nopassword=y proxy=y')}}\n`,
    ['pam: submission'],
    'one protocol',
  ],
  [`${passdb('pam')}protocols = imap pop3 lmtp\n`, [], 'served here'],
]

for (const [text, found, why] of rows) {
  test(`users who cannot be served: ${why}`, () => {
    const { config, complaints } = loadConfig({
      path: 'conf',
      files: memoryFiles({ conf: `protocols = imap sieve submission\n${text}`, ...FILES }),
    })
    assert.ok(config, JSON.stringify(complaints))
    const told = checkLocalUsers(config, memoryFiles(FILES)).map(({ severity, text: said, at }) => {
      assert.equal(severity, 'warning')
      assert.ok(at)
      return said.replace(/^passdb (\S+) has users without proxy: in (.+) there is no local service, .*$/, '$1: $2')
    })
    assert.deepEqual(
      told.map((each) => each.replace('submission and sieve', 'sieve and submission')),
      found,
    )
  })
}
