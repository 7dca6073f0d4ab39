// The SQL examples that proxies are built from, as people copy them, against a real MariaDB; and what Dovecot makes of them.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openTestAuth, testConnection, type TestAuth } from '../../src/auth/testing/open-auth.ts'
import { systemClock } from '../../src/auth/testing/system.ts'
import type { DatabasePeer } from '../peers/database.ts'
import { runProgram } from '../peers/database.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithoutMariadb, startMariadb } from '../peers/mariadb.ts'
import { skipWithout } from '../peers/peers.ts'
import { PATIENCE_MS } from '../support/deadline.ts'

const SCHEMA = `
CREATE DATABASE mail; CREATE USER dovecot@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT SELECT ON mail.* TO dovecot@'127.0.0.1';
USE mail;
CREATE TABLE proxy (user VARCHAR(255) NOT NULL, host VARCHAR(16) DEFAULT NULL, destuser VARCHAR(255) NOT NULL DEFAULT '', PRIMARY KEY (user));
INSERT INTO proxy VALUES ('john', '192.168.0.1', ''), ('joe', '192.168.0.2', 'joe@example.com');
CREATE TABLE users (user VARCHAR(255), domain VARCHAR(255), password VARCHAR(255), host VARCHAR(255), home VARCHAR(255));
INSERT INTO users VALUES ('ann', 'example.com', '{PLAIN}annpw', '10.0.0.7', '/home/ann'), ('bob', 'example.com', '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=', '10.0.0.8', '/home/bob');
`

/** Comments and wrapped lines are as the examples have them on the page. */
const PROXY_CONF = `
# If you want to trade a bit of security for higher performance, change these settings:
service imap-login {
  service_count = 0
}
service pop3-login {
  service_count = 0
}

# If you are not moving mailboxes between hosts on a daily basis you can
# use authentication cache pretty safely.
auth_cache_size = 4096

auth_mechanisms = plain
passdb {
  driver = sql
  args = EXT
}
`

const MAYBE_CONF = `
# user/group who owns the message files:
mail_uid = vmail
mail_gid = vmail

auth_mechanisms = plain

passdb {
  driver = sql
  args = EXT
}
userdb sql {
  driver = sql
  args = EXT
}
`

/** The page wraps the query without a backslash; Dovecot refuses that, we join the lines. */
const WRAPPED_PROXY_EXT = `driver = mysql
connect = host=HOST1 host=HOST2 dbname=mail user=dovecot password=secret port=PORT
password_query = SELECT NULL AS password, 'Y' as nopassword, host, destuser,
'Y' AS proxy FROM proxy WHERE user = '%u'
`

const MAYBE_EXT = `driver = mysql
connect = host=HOST1 dbname=mail user=dovecot password=secret port=PORT

password_query = \\
  SELECT concat(user, '@', domain) AS user, password, host, 'Y' AS proxy_maybe \\
  FROM users WHERE user = '%n' AND domain = '%d'

user_query = SELECT user AS username, domain, home \\
  FROM users WHERE user = '%n' AND domain = '%d'
`

describe('SQL examples against MariaDB', { skip: skipWithoutMariadb() }, () => {
  let peer: DatabasePeer
  const opened: TestAuth[] = []
  before(async () => {
    peer = await startMariadb()
    await peer.run(SCHEMA)
  })
  after(async () => {
    for (const { auth } of opened) await auth.close()
    await peer.stop()
  })

  const filled = (text: string): string =>
    text.replaceAll('HOST1', '127.0.0.1').replaceAll('HOST2', '127.0.0.1').replaceAll('PORT', String(peer.port))

  async function open(conf: string, ext: string): Promise<TestAuth> {
    const auth = await openTestAuth({
      conf: conf.replaceAll('EXT', '/sql.ext'),
      files: { '/sql.ext': filled(ext) },
      clock: systemClock,
    })
    opened.push(auth)
    return auth
  }

  test('password forwarding: any password succeeds, fields route the user', async () => {
    const db = await open(PROXY_CONF, WRAPPED_PROXY_EXT)
    const john = await db.login('John', 'anything at all')
    assert.equal(john.kind, 'ok')
    if (john.kind === 'ok') {
      assert.equal(john.user, 'john')
      // Present and empty: for the route that is the same as absent.
      assert.deepEqual(Object.fromEntries(john.fields), { host: '192.168.0.1', destuser: '', proxy: 'Y' })
      assert.equal(john.secret?.reveal().toString(), 'anything at all')
    }
    const joe = await db.login('joe', 'x')
    assert.equal(joe.kind === 'ok' && joe.fields.get('destuser'), 'joe@example.com')
    assert.deepEqual(await db.login('nobody', 'x'), { kind: 'refused', why: { kind: 'failed' }, user: 'nobody' })
  })

  test('proxy_maybe: the password is checked, the name comes from the table', async () => {
    const db = await open(MAYBE_CONF, MAYBE_EXT)
    const ann = await db.login('ann@example.com', 'annpw')
    assert.equal(ann.kind, 'ok')
    if (ann.kind === 'ok') {
      assert.equal(ann.user, 'ann@example.com')
      assert.deepEqual(Object.fromEntries(ann.fields), { host: '10.0.0.7', proxy_maybe: 'Y' })
    }
    assert.equal((await db.login('bob@example.com', 'secret')).kind, 'ok')
    assert.equal((await db.login('bob@example.com', 'annpw')).kind, 'refused')
    const user = await db.auth.lookupUser(
      testConnection,
      'ann@example.com',
      undefined,
      AbortSignal.timeout(PATIENCE_MS),
    )
    assert.deepEqual(user, { kind: 'found', user: 'ann@example.com', fields: new Map([['home', '/home/ann']]) })
  })

  test('Dovecot answers the same from the same table', { skip: skipWithout('dovecot') }, async (t) => {
    const dovecot = await startDovecot(({ dir }) => {
      writeFileSync(join(dir, 'sql.ext'), filled(WRAPPED_PROXY_EXT.replace('destuser,\n', 'destuser, ')))
      return `protocols =\n${PROXY_CONF.replaceAll('EXT', join(dir, 'sql.ext'))}`
    })
    t.after(() => dovecot.stop())
    const ask = (user: string): Promise<string> =>
      runProgram('doveadm', ['-c', join(dovecot.dir, 'dovecot.conf'), 'auth', 'test', user, 'x']).catch(String)
    assert.match(
      await ask('john'),
      /succeeded\nextra fields:\n {2}user=john\n {2}host=192\.168\.0\.1\n {2}destuser\n {2}proxy\n/,
    )
    assert.match(await ask('nobody'), /auth failed/)
  })
})
