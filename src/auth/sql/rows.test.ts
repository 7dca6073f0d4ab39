// What each database's rows become, and what no row may be.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { skipWithoutMariadb, startMariadb } from '../../../test/peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../../../test/peers/postgres.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { openTestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'

interface Place {
  readonly driver: string
  readonly connect: string
}

interface Row {
  readonly why: string
  /** Written for all three; `NUL` stands for a string with a NUL in it, where the database has such. */
  readonly query: string
  readonly only?: readonly string[]
  /** The fields, or why it fails. */
  readonly expected: Readonly<Record<string, string>> | string
  /** What the log says. */
  readonly log?: RegExp
}

const rows: readonly Row[] = [
  {
    why: 'NULL is absent, empty is there',
    query: "SELECT 's' AS password, NULL AS host, '' AS destuser, 'y' AS proxy",
    expected: { destuser: '', proxy: 'y' },
  },
  {
    why: 'numbers are text',
    query: "SELECT 's' AS password, 143 AS port, -1 AS n, 1.5 AS f",
    expected: { port: '143', n: '-1', f: '1.5' },
  },
  {
    why: 'truth is what the database writes',
    query: "SELECT 's' AS password, true AS t",
    only: ['pgsql'],
    expected: { t: 't' },
  },
  {
    why: 'truth is a number',
    query: "SELECT 's' AS password, true AS t",
    only: ['mysql', 'sqlite'],
    expected: { t: '1' },
  },
  {
    why: 'no row is an unknown user',
    query: "SELECT 's' AS password WHERE 1 = 0",
    only: ['pgsql', 'sqlite'],
    expected: 'failed',
    log: /unknown user/,
  },
  {
    why: 'no password column is an error',
    query: "SELECT 's' AS pasword, 'h' AS host",
    expected: 'temporary',
    log: /Password query must return a field named 'password'/,
  },
  {
    why: 'a NULL password without nopassword',
    query: 'SELECT NULL AS password',
    expected: 'failed',
    log: /No password returned \(and no nopassword\)/,
  },
  {
    why: 'a NULL password with nopassword',
    query: "SELECT NULL AS password, 'Y' AS nopassword, 'h' AS host",
    expected: { host: 'h' },
  },
  { why: 'an empty password with nopassword', query: "SELECT '' AS password, 'Y' AS nopassword", expected: {} },
  {
    why: 'a password with nopassword: it is checked',
    query: "SELECT 'x' AS password, 'Y' AS nopassword",
    expected: 'failed',
    log: /nopassword set but password is non-empty/,
  },
  { why: 'a password with a brace, without a scheme', query: "SELECT 's' AS password_noscheme", expected: {} },
  {
    why: 'two rows are an error',
    query: "SELECT 's' AS password, 'a' AS host UNION ALL SELECT 's', 'b'",
    expected: 'temporary',
    log: /Password query returned multiple matches/,
  },
  {
    why: 'two passwords',
    query: "SELECT 's' AS password, 'x' AS password_noscheme",
    expected: {},
    log: /Multiple password values not supported/,
  },
  {
    why: 'a broken query',
    query: 'SELECT password FROM nowhere',
    expected: 'temporary',
    log: /Password query failed: .*nowhere/,
  },
  { why: 'nonsense', query: 'WIBBLE', expected: 'temporary', log: /Password query failed: / },
  {
    why: 'an unknown variable',
    query: "SELECT '%z' AS password",
    expected: 'temporary',
    log: /Password query failed: .*Unknown variable '%z'/,
  },
  {
    why: 'a line break in a field',
    query: "SELECT 's' AS password, 'a\nb' AS reason",
    expected: 'temporary',
    log: /Password query returned a line break or NUL in field 'reason'/,
  },
  {
    why: 'a NUL in a field',
    query: "SELECT 's' AS password, NUL AS host",
    only: ['mysql', 'sqlite'],
    expected: 'temporary',
    log: /line break or NUL in field 'host'/,
  },
  {
    why: 'suffixes of field names',
    query:
      `SELECT 's' AS password, 'a' AS host, 'b' AS Q:protectedQ, 'c' AS Qhost:protectedQ, 'd' AS Qport:removeQ`.replace(
        'Q:protectedQ',
        'Qy:protectedQ',
      ),
    expected: { host: 'a', y: 'b' },
  },
  {
    why: 'the user and the password inside the query',
    query: "SELECT '%w' AS password, '%u' AS who",
    expected: { who: "o'neil\\" },
  },
  { why: 'prefetch with NULL columns only', query: "SELECT 's' AS password, NULL AS userdb_home", expected: {} },
]

function rowTests(place: Place, dialect: (query: string) => string): void {
  const { driver } = place
  for (const { why, query, only, expected, log } of rows) {
    if (only !== undefined && !only.includes(driver)) continue
    test(why, async (t) => {
      const written = dialect(query).replaceAll(
        '\n',
        driver === 'mysql' ? '\\n' : driver === 'pgsql' ? "'||chr(10)||'" : "'||char(10)||'",
      )
      const db = await openTestAuth({
        conf: 'auth_verbose = yes\nauth_username_chars =\npassdb {\n  driver = sql\n  args = /sql.ext\n}',
        files: {
          '/sql.ext': `driver = ${driver}\nconnect = ${place.connect}\npassword_query = ${written}\ndefault_pass_scheme = PLAIN\n`,
        },
        clock: systemClock,
      })
      t.after(() => db.auth.close())
      const outcome = await db.login("o'neil\\", 's')
      const got = outcome.kind === 'ok' ? Object.fromEntries(outcome.fields) : outcome.why.kind
      assert.deepEqual(got, expected, db.log.join('\n'))
      if (log !== undefined) assert.match(db.log.join('\n'), log)
    })
  }
}

describe('rows of SQLite', () => {
  const dir = makeTempDir('rows')
  const connect = join(dir, 'x.db')
  new DatabaseSync(connect).close()
  after(() => removeTempDir(dir))
  rowTests({ driver: 'sqlite', connect }, (query) =>
    query.replaceAll('Q', '"').replaceAll('NUL AS', "'a'||char(0)||'b' AS"),
  )
})

describe('rows of MariaDB', { skip: skipWithoutMariadb() }, () => {
  const place = { driver: 'mysql', connect: '' }
  let stop: (() => Promise<void>) | undefined
  before(async () => {
    const peer = await startMariadb()
    stop = () => peer.stop()
    place.connect = `host=${peer.socket} dbname=mysql user=root maxconns=1`
  })
  after(() => stop?.())
  rowTests(place, (query) => query.replaceAll('Q', '`').replaceAll('NUL AS', "CONCAT('a', CHAR(0), 'b') AS"))
})

describe('rows of PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  const place = { driver: 'pgsql', connect: '' }
  let stop: (() => Promise<void>) | undefined
  before(async () => {
    const peer = await startPostgres()
    stop = () => peer.stop()
    place.connect = `host=${peer.socket} port=${peer.port} dbname=postgres user=postgres maxconns=1`
  })
  after(() => stop?.())
  rowTests(place, (query) => query.replaceAll('Q', '"'))
})
