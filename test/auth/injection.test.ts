import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import type { AuthConnection } from '../../src/auth/auth.ts'
import { openTestAuth, type TestAuth } from '../../src/auth/testing/open-auth.ts'
import { systemClock } from '../../src/auth/testing/system.ts'
import { exactSettings, exactUsers } from '../peers/exact-directory.ts'
import { skipWithoutMariadb, startMariadb } from '../peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../peers/postgres.ts'
import { SLAPD_SUFFIX, skipWithoutSlapd, startSlapd } from '../peers/slapd.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'

// Whatever a stranger can put into a %variable stays a value of the query: each variable, each database, many hostile texts.
// The query finds joe when the variable is `open sesame`, and must find nobody for anything else.

/** What a login looks like when this text is in the variable. */
type Place = (text: string) => {
  readonly user?: string
  readonly password?: string
  readonly connection?: Partial<AuthConnection>
}

const places: readonly (readonly [variable: string, place: Place])[] = [
  ['%u', (text) => ({ user: text })],
  ['%n', (text) => ({ user: text })],
  ['%d', (text) => ({ user: `joe@${text}` })],
  ['%{orig_user}', (text) => ({ user: text })],
  ['%{domain_last}', (text) => ({ user: `joe@x@${text}` })],
  ['%w', (text) => ({ password: text })],
  ['%{client_id}', (text) => ({ connection: { clientId: text } })],
  ['%{local_name}', (text) => ({ connection: { localName: text } })],
  ['%{session}', (text) => ({ connection: { session: text } })],
  ['%{passdb:forward_x}', (text) => ({ connection: { forward: new Map([['x', text]]) } })],
  ['%{if;%u;*;*;%u;%u}', (text) => ({ user: text })],
  ['%3.200u', (text) => ({ user: `xyz${text}` })],
]

const SESAME = 'open sesame'

const hostile: readonly string[] = [
  "' OR '1'='1",
  "' OR 1=1 -- ",
  "\\' OR 1=1 -- ",
  "'; DROP TABLE doors; -- ",
  "' UNION SELECT 'x', '10.0.0.1' -- ",
  '" OR ""="',
  "%' OR name LIKE '%",
  "\u00bf' OR 1=1 -- ",
  "\ud83d' OR 1=1 -- ",
  '*',
  '*)(cn=*',
  'x)(|(cn=*))',
  'x)(!(cn=zzz)',
  '\\2a',
  '\\',
  `${SESAME}\\`,
  `${SESAME}'`,
  `${SESAME})`,
  '$(open)`open`',
]

async function openDoors(t: TestContext, passdb: string, ext: string, variable: string): Promise<TestAuth> {
  const db = await openTestAuth({
    conf: `auth_username_chars =\nauth_username_format =\npassdb {\n  driver = ${passdb}\n  args = /db.ext\n}`,
    files: { '/db.ext': ext.replaceAll('VARIABLE', variable) },
    clock: systemClock,
  })
  t.after(() => db.auth.close())
  return db
}

async function tryDoor(db: TestAuth, place: Place, text: string): Promise<string> {
  const { user = 'joe', password = 'any', connection = {} } = place(text)
  const outcome = await db.login(user, password, { connection })
  return outcome.kind === 'ok' ? 'ok' : outcome.why.kind
}

async function holdDoors(t: TestContext, passdb: string, ext: string): Promise<void> {
  for (const [variable, place] of places) {
    const db = await openDoors(t, passdb, ext, variable)
    assert.equal(await tryDoor(db, place, SESAME), 'ok', `${variable}: ${db.log.join('\n')}`)
    await Promise.all(
      hostile.map(async (text) => {
        const kind = await tryDoor(db, place, text)
        assert.notEqual(kind, 'ok', `${variable} = ${text}`)
      }),
    )
    assert.equal(await tryDoor(db, place, SESAME), 'ok', 'the table is still there')
  }
}

const TABLE = `CREATE TABLE doors (name VARCHAR(100), word VARCHAR(100)); INSERT INTO doors VALUES ('joe', '${SESAME}')`
const QUERY = "password_query = SELECT NULL AS password, 'Y' AS nopassword FROM doors WHERE word = 'VARIABLE'\n"
const REST = 'userdb_warning_disable = yes\n'

describe('a hostile text in a %variable finds nobody', { concurrency: true }, () => {
  test('SQLite', async (t) => {
    const dir = makeTempDir('doors')
    t.after(() => removeTempDir(dir))
    const path = join(dir, 'doors.db')
    const database = new DatabaseSync(path)
    database.exec(TABLE)
    database.close()
    await holdDoors(t, 'sql', `driver = sqlite\nconnect = ${path}\n${QUERY}${REST}`)
  })

  test('MariaDB', { skip: skipWithoutMariadb() }, async (t) => {
    const peer = await startMariadb()
    t.after(async () => await peer.stop())
    await peer.run(
      "CREATE DATABASE mail CHARACTER SET utf8mb4; CREATE USER dovecot@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT ALL ON mail.* TO dovecot@'127.0.0.1'",
    )
    await peer.run(TABLE, 'mail')
    const connect = `host=127.0.0.1 port=${peer.port} dbname=mail user=dovecot password=secret`
    await holdDoors(t, 'sql', `driver = mysql\nconnect = ${connect}\n${QUERY}${REST}`)
  })

  test('PostgreSQL', { skip: skipWithoutPostgres() }, async (t) => {
    const peer = await startPostgres()
    t.after(async () => await peer.stop())
    await peer.run("CREATE ROLE dovecot LOGIN PASSWORD 'secret'; CREATE DATABASE mail;")
    await peer.run(`${TABLE}; GRANT ALL ON doors TO dovecot;`, 'mail')
    const connect = `host=127.0.0.1 port=${peer.port} dbname=mail user=dovecot password=secret`
    await holdDoors(t, 'sql', `driver = pgsql\nconnect = ${connect}\n${QUERY}${REST}`)
  })

  test('LDAP', { skip: skipWithoutSlapd() }, async (t) => {
    const peer = await startSlapd()
    t.after(async () => await peer.stop())
    await peer.run(exactUsers())
    // The first user has the word for its name.
    const word = `dn: cn=0,${SLAPD_SUFFIX}\nchangetype: modify\nadd: exactName\nexactName: ${SESAME}\n`
    await peer.run(word)
    const ext = exactSettings(`ldap://127.0.0.1:${peer.port}`)
      .replace(/^pass_filter = .*$/m, 'pass_filter = (&(objectClass=exactUser)(exactName=VARIABLE))')
      .replace(/^pass_attrs = .*$/m, 'pass_attrs = =nopassword=y')
    await holdDoors(t, 'ldap', ext)
  })
})
