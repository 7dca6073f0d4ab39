// Rows of real SQL servers: what one statement changes there, and with which escaping.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { skipWithoutMariadb, startMariadb } from '../../test/peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../../test/peers/postgres.ts'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import { systemFiles } from '../main/config-files.ts'
import { loadConfig } from '../config/load.ts'
import { silent } from '../observe/events.ts'
import { openRoutingRows } from './routing-rows.ts'
import { systemAuthNeeds } from './testing/system.ts'

const NEVER = new AbortController().signal
const USER = "o'ne\\il"

const SERVERS = [
  {
    driver: 'mysql',
    skip: skipWithoutMariadb(),
    literal: "'o\\'ne\\\\il'",
    start: async (t: TestContext) => {
      const peer = await startMariadb()
      t.after(async () => await peer.stop())
      const connect = (user: string): string => `host=${peer.socket} dbname=mysql user=${user}`
      return { run: async (sql: string) => await peer.run(sql, 'mysql'), connect }
    },
  },
  {
    driver: 'pgsql',
    skip: skipWithoutPostgres(),
    literal: "'o''ne\\il'",
    start: async (t: TestContext) => {
      const peer = await startPostgres()
      t.after(async () => await peer.stop())
      const connect = (user: string): string =>
        `host=${peer.socket} port=${peer.port} dbname=postgres user=${user === 'root' ? 'postgres' : user}`
      return { run: async (sql: string) => await peer.run(sql, 'postgres'), connect }
    },
  },
] as const

for (const { driver, skip, literal, start } of SERVERS) {
  test(`${driver}: a row changes through a connection of its own and comes back`, {
    skip,
    timeout: 120_000,
  }, async (t) => {
    const server = await start(t)
    await server.run('CREATE TABLE moving (name VARCHAR(99) PRIMARY KEY, host VARCHAR(99), port INT)')
    await server.run(`INSERT INTO moving VALUES (${literal}, '192.0.2.1', NULL)`)
    await server.run("INSERT INTO moving VALUES ('joe', '192.0.2.1', 143)")
    const dir = makeTempDir('rows')
    t.after(() => removeTempDir(dir))
    const path = join(dir, 'dovecot.conf')
    writeFileSync(path, `auth_username_chars =\npassdb {\n  driver = sql\n  args = ${dir}/sql.ext\n}\n`)
    writeFileSync(
      join(dir, 'sql.ext'),
      `driver = ${driver}
connect = ${server.connect('root')}
postern_move_connect = ${server.connect('root')} maxconns=1
password_query = SELECT NULL AS password, 'y' AS nopassword, host, port FROM moving WHERE name = '%u'
postern_move_query = UPDATE moving SET host = '%{host}' WHERE name = '%u' AND host = '%{old_host}'
`,
    )
    const files = systemFiles()
    const { config } = loadConfig({ path, files, overrides: [], hostname: 'test' })
    assert.ok(config !== undefined)
    const needs = systemAuthNeeds(silent)
    const rows = openRoutingRows({ config, configFiles: files, needs, service: 'imap' })
    t.after(async () => await rows.close())
    const row = await rows.find(USER, NEVER)
    assert.deepEqual(row.current, { host: '192.0.2.1', port: undefined })
    await row.change({ host: '192.0.2.2', port: undefined, delayUntil: '0' }, NEVER)
    assert.deepEqual((await rows.find(USER, NEVER)).current, { host: '192.0.2.2', port: undefined })
    assert.deepEqual((await rows.find('joe', NEVER)).current, { host: '192.0.2.1', port: '143' })
    await row.restore(NEVER)
    assert.deepEqual((await rows.find(USER, NEVER)).current, row.current)
  })
}
