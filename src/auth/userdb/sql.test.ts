import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { skipWithoutMariadb, startMariadb } from '../../../test/peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../../../test/peers/postgres.ts'
import { TEST_USERS } from '../../../test/suites/passdb.ts'
import { userdbSuite } from '../../../test/suites/userdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { systemClock } from '../testing/system.ts'
import { openTestAuth, type TestAuth } from '../testing/open-auth.ts'

/** The user's whole name in one column, or in two. */
async function openSql(driver: string, connect: string, iterate: string): Promise<TestAuth> {
  return await openTestAuth({
    conf: `auth_username_chars =
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = sql
  args = /sql.ext
}`,
    files: {
      '/sql.ext': `driver = ${driver}
connect = ${connect}
user_query = SELECT 1000 AS uid, 1000 AS gid, home, quota_rule, NULL AS mail FROM users WHERE name = '%u'
iterate_query = ${iterate}
`,
    },
    clock: systemClock,
  })
}

const doubled = (text: string): string => `'${text.replaceAll("'", "''")}'`
const backslashed = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`

function inserts(quote: (text: string) => string): string {
  const rows = TEST_USERS.map(({ name, host }) => `(${[name, `/home/${host}`, host].map(quote).join(', ')})`)
  return `INSERT INTO users VALUES ${rows.join(',\n')};`
}

userdbSuite({
  name: 'sql, SQLite',
  async open(cleanup) {
    const dir = makeTempDir('sqlite')
    cleanup(() => removeTempDir(dir))
    const path = join(dir, 'users.db')
    const database = new DatabaseSync(path)
    database.exec(`CREATE TABLE users (name TEXT PRIMARY KEY, home TEXT, quota_rule TEXT);\n${inserts(doubled)}`)
    database.close()
    return {
      ...(await openSql('sqlite', path, 'SELECT name AS user FROM users')),
      outage: {
        begin() {
          copyFileSync(path, `${path}.good`)
          writeFileSync(`${path}.bad`, 'no database '.repeat(1000))
          renameSync(`${path}.bad`, path)
          return Promise.resolve()
        },
        end() {
          renameSync(`${path}.good`, path)
          return Promise.resolve()
        },
      },
    }
  },
})

userdbSuite({
  name: 'sql, MariaDB',
  skip: skipWithoutMariadb(),
  async open(cleanup) {
    const peer = await startMariadb()
    cleanup(() => peer.stop())
    await peer.run('CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin')
    await peer.run(
      `CREATE TABLE users (name VARCHAR(300) PRIMARY KEY, home TEXT, quota_rule TEXT);\n${inserts(backslashed)}`,
      'mail',
    )
    // The C library's way: a path is the UNIX socket.
    const connect = `host=${peer.socket} dbname=mail user=root`
    const iterate =
      "SELECT SUBSTRING_INDEX(name, '@', 1) AS username, IF(LOCATE('@', name), SUBSTRING(name, LOCATE('@', name) + 1), NULL) AS domain FROM users"
    return {
      ...(await openSql('mysql', connect, iterate)),
      outage: { begin: () => peer.kill(), end: () => peer.start() },
    }
  },
})

userdbSuite({
  name: 'sql, PostgreSQL',
  skip: skipWithoutPostgres(),
  async open(cleanup) {
    const peer = await startPostgres()
    cleanup(() => peer.stop())
    await peer.run('CREATE DATABASE mail')
    await peer.run(
      `CREATE TABLE users (name TEXT PRIMARY KEY, home TEXT, quota_rule TEXT);\n${inserts(doubled)}`,
      'mail',
    )
    const connect = `host=${peer.socket} port=${peer.port} dbname=mail user=postgres`
    return {
      ...(await openSql('pgsql', connect, 'SELECT name AS "user" FROM users')),
      outage: { begin: () => peer.kill(), end: () => peer.start() },
    }
  },
})
