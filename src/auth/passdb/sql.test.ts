import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { DatabasePeer } from '../../../test/peers/database.ts'
import { skipWithoutMariadb, startMariadb } from '../../../test/peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../../../test/peers/postgres.ts'
import { type Cleanup, passdbSuite, type PassdbUnderTest, TEST_USERS } from '../../../test/suites/passdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { systemClock } from '../testing/system.ts'
import { openTestAuth } from '../testing/open-auth.ts'

const QUERY = "SELECT password, host, '%s' AS service FROM users WHERE name = '%u'"

async function openSql(driver: string, connect: string): Promise<Awaited<ReturnType<typeof openTestAuth>>> {
  return await openTestAuth({
    conf: 'auth_username_chars =\npassdb {\n  driver = sql\n  args = /sql.ext\n}',
    files: {
      '/sql.ext': `driver = ${driver}\nconnect = ${connect}\npassword_query = ${QUERY}\ndefault_pass_scheme = PLAIN\nuserdb_warning_disable = yes\n`,
    },
    clock: systemClock,
  })
}

passdbSuite({
  name: 'sql, SQLite',
  async open(cleanup) {
    const dir = makeTempDir('sqlite')
    cleanup(() => removeTempDir(dir))
    const path = join(dir, 'users.db')
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT, host TEXT)')
    const insert = database.prepare('INSERT INTO users VALUES (?, ?, ?)')
    for (const { name, password, host } of TEST_USERS) insert.run(name, password, host)
    cleanup(() => database.close())
    const opened = await openSql('sqlite', path)
    return {
      ...opened,
      changePassword(name, password) {
        database.prepare('UPDATE users SET password = ? WHERE name = ?').run(password, name)
        return Promise.resolve()
      },
      outage: {
        begin() {
          copyFileSync(path, `${path}.good`)
          rmSync(path)
          writeFileSync(path, 'no database '.repeat(1000))
          return Promise.resolve()
        },
        end() {
          renameSync(`${path}.good`, path)
          return Promise.resolve()
        },
      },
      // A writer that does not let go.
      hang: {
        begin: () => lockForever(path, cleanup),
        end: () => unlock(),
      },
    }
  },
})

let locker: DatabaseSync | undefined

function lockForever(path: string, cleanup: Cleanup): void {
  locker = new DatabaseSync(path)
  cleanup(() => unlock())
  locker.exec('BEGIN EXCLUSIVE')
}

function unlock(): void {
  locker?.close()
  locker = undefined
}

/** The users as INSERT statements. */
function inserts(quote: (text: string) => string): string {
  const rows = TEST_USERS.map(({ name, password, host }) => `(${[name, password, host].map(quote).join(', ')})`)
  return `INSERT INTO users VALUES ${rows.join(',\n')};`
}

function serverTests(
  peer: DatabasePeer,
  database: string,
  quote: (text: string) => string,
): Omit<PassdbUnderTest, 'auth' | 'log' | 'disk' | 'login'> {
  return {
    async changePassword(name, password) {
      await peer.run(`UPDATE users SET password = ${quote(password)} WHERE name = ${quote(name)};`, database)
    },
    outage: { begin: () => peer.kill(), end: () => peer.start() },
    hang: { begin: () => peer.pause(), end: () => peer.resume() },
  }
}

const backslashed = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`
const doubled = (text: string): string => `'${text.replaceAll("'", "''")}'`

for (const [name, mode, quote] of [
  ['MariaDB', 'STRICT_TRANS_TABLES', backslashed],
  ['MariaDB with NO_BACKSLASH_ESCAPES', 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES', doubled],
] as const) {
  passdbSuite({
    name: `sql, ${name}`,
    skip: skipWithoutMariadb(),
    async open(cleanup) {
      const peer = await startMariadb([`--sql-mode=${mode}`])
      cleanup(() => peer.stop())
      await peer.run(
        "CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin; CREATE USER dovecot@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT SELECT ON mail.* TO dovecot@'127.0.0.1'",
      )
      await peer.run(
        `CREATE TABLE users (name VARCHAR(300) PRIMARY KEY, password TEXT, host TEXT);\n${inserts(quote)}`,
        'mail',
      )
      const connect = `host=127.0.0.1 port=${peer.port} dbname=mail user=dovecot password=secret read_timeout=2 maxconns=3`
      return { ...(await openSql('mysql', connect)), ...serverTests(peer, 'mail', quote) }
    },
  })
}

for (const [name, setting, quote] of [
  ['PostgreSQL', 'standard_conforming_strings=on', doubled],
  [
    'PostgreSQL without standard_conforming_strings',
    'standard_conforming_strings=off',
    (text: string) => `E${backslashed(text)}`,
  ],
] as const) {
  passdbSuite({
    name: `sql, ${name}`,
    skip: skipWithoutPostgres(),
    async open(cleanup) {
      const peer = await startPostgres([setting])
      cleanup(() => peer.stop())
      await peer.run("CREATE ROLE dovecot LOGIN PASSWORD 'secret'; CREATE DATABASE mail;")
      await peer.run(
        `CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT, host TEXT);\n${inserts(quote)}\nGRANT SELECT ON users TO dovecot;`,
        'mail',
      )
      const connect = `host=127.0.0.1 port=${peer.port} dbname=mail user=dovecot password=secret maxconns=3`
      return { ...(await openSql('pgsql', connect)), ...serverTests(peer, 'mail', quote) }
    },
  })
}
