import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { skipWithoutMariadb, startMariadb } from '../../../test/peers/mariadb.ts'
import { systemClock } from '../testing/system.ts'
import { mysqlDriver } from './mysql.ts'

const never = new AbortController().signal
const silent = { clock: systemClock, log: () => undefined }

test('with NO_BACKSLASH_ESCAPES a double quote does not end "..." in a query', {
  skip: skipWithoutMariadb(),
}, async (t) => {
  const peer = await startMariadb(['--sql-mode=NO_BACKSLASH_ESCAPES'])
  t.after(() => peer.stop())
  const client = mysqlDriver.open(`host=${peer.socket} dbname=mysql user=root`, silent)
  t.after(() => client.close())
  const asked = (name: string) => client.query((escape) => `SELECT "${escape(name)}" AS name`, 1, never)
  assert.deepEqual((await asked("o'neil")).rows, [["o''neil"]])
  await assert.rejects(asked('x" OR "1"="1'), /cannot be used in this query/)
})

test('an option file gives what the connect string leaves out', { skip: skipWithoutMariadb() }, async (t) => {
  const peer = await startMariadb()
  t.after(() => peer.stop())
  await peer.run("CREATE USER filed@'127.0.0.1' IDENTIFIED BY 'from file'")
  const file = join(peer.dir, 'my.cnf')
  writeFileSync(
    file,
    `# comment\n[mysqld]\nuser = nobody\n[mail]\nuser = filed\npassword = "from file"\nport=${peer.port}\n`,
  )
  const client = mysqlDriver.open(`host=127.0.0.1 option_file=${file} option_group=mail`, silent)
  t.after(() => client.close())
  assert.deepEqual((await client.query(() => 'SELECT CURRENT_USER()', 1, never)).rows, [['filed@127.0.0.1']])
})
