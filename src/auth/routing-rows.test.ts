import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { loadConfig } from '../config/load.ts'
import { silent } from '../observe/events.ts'
import type { RoutingRows } from './routing-row.ts'
import { RoutingRowError } from './routing-row.ts'
import { findLine, rerouted, routeOf } from './routing-row-passwd-file.ts'
import { openRoutingRows } from './routing-rows.ts'
import { systemAuthNeeds } from './testing/system.ts'

const NEVER = new AbortController().signal
const TO_B = { host: '192.0.2.2', port: undefined, delayUntil: '0' }

const LINES: readonly { line: string; port?: string; expected: string; why: string }[] = [
  { line: 'joe:{PLAIN}x::::::proxy host=a', expected: 'joe:{PLAIN}x::::::proxy host=b', why: 'the word is replaced' },
  { line: 'j:x::::::  host=a  pass=p ', expected: 'j:x::::::  host=b  pass=p ', why: 'blanks stay' },
  { line: 'j:x::::::xhost=a host=c', expected: 'j:x::::::xhost=a host=b', why: 'only the field itself' },
  {
    line: 'j:x::::::host=a host=c',
    expected: 'j:x::::::host=b host=b',
    why: 'the last counts, and the first is no trap',
  },
  { line: 'j:x::::::host=::1 proxy', expected: 'j:x::::::host=b proxy', why: 'values may hold colons' },
  { line: 'j:x::::::host=a port=1', expected: 'j:x::::::host=b port=1', why: 'without a new port the old one stays' },
  { line: 'j:x::::::host=a port=1', port: '2', expected: 'j:x::::::host=b port=2', why: 'both change' },
  { line: 'j:x::::::host=a proxy', port: '2', expected: 'j:x::::::host=b port=2 proxy', why: 'a port is added' },
  {
    line: 'j:host=z:1:2:host=y:/h::host=a',
    expected: 'j:host=z:1:2:host=y:/h::host=b',
    why: 'other fields are not looked at',
  },
  { line: 'j:x::::::host=a user=j\xc3\xb6', expected: 'j:x::::::host=b user=j\xc3\xb6', why: 'bytes stay bytes' },
]

for (const { line, port, expected, why } of LINES) {
  test(`a passwd-file line is rerouted: ${why}`, () => {
    assert.equal(rerouted(line, { host: 'b', port }), expected)
  })
}

test('lines without a host have no route', () => {
  for (const line of ['j', 'j:x', 'j:x::::::proxy', 'j:x::::::host=', 'j:x:::::::host=a']) {
    assert.equal(routeOf(line), undefined, line)
  }
  assert.deepEqual(routeOf('j:x::::::host=a host=b port=7'), { host: 'b', port: '7' })
})

test('the line is the one that a lookup finds', () => {
  const content = '# joe:x\njoey:1\n:joe\njoe:first\r\njoe:second\nj\xc3\xb6:3'
  assert.deepEqual(findLine(content, 'joe'), { text: 'joe:first', start: content.indexOf('joe:first'), number: 4 })
  assert.equal(findLine(content, 'jö')?.number, 6)
  for (const user of ['jo', '', '# joe', 'second']) assert.equal(findLine(content, user), undefined, user)
})

interface Place {
  readonly dir: string
  readonly open: (passdb: string) => RoutingRows
}

function place(t: TestContext): Place {
  const dir = mkdtempSync(join(tmpdir(), 'postern-rows-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const files = {
    read: (path: string) => readFileSync(path),
    glob: () => [],
    isDirectory: () => false,
  }
  return {
    dir,
    open: (passdb) => {
      const path = join(dir, 'dovecot.conf')
      writeFileSync(path, `auth_username_chars =\n${passdb}`)
      const { config, complaints } = loadConfig({ path, files: files as never, overrides: [], hostname: 'test' })
      assert.ok(config !== undefined, JSON.stringify(complaints))
      const rows = openRoutingRows({
        config,
        configFiles: files as never,
        needs: systemAuthNeeds(silent),
        service: 'imap',
      })
      t.after(async () => await rows.close())
      return rows
    },
  }
}

const USERS = '# users\r\njoe:{PLAIN}x::::::proxy host=192.0.2.1\njane:{PLAIN}y::::::proxy host=192.0.2.1 port=1143'

test('a passwd-file row changes and comes back, and owner, mode and every other byte stay', async (t) => {
  const { dir, open } = place(t)
  const path = join(dir, 'users')
  writeFileSync(path, USERS)
  chmodSync(path, 0o640)
  const before = statSync(path)
  const row = await open(`passdb {\n driver = passwd-file\n args = ${path}\n}\n`).find('JOE', NEVER)
  assert.equal(row.place, `passwd-file ${path}:2`)
  assert.deepEqual(row.current, { host: '192.0.2.1', port: undefined })
  assert.equal(row.describe({ ...TO_B, port: '99' }), 'host=192.0.2.1 -> host=192.0.2.2 port=99')
  await row.change(TO_B, NEVER)
  assert.equal(readFileSync(path, 'utf8'), USERS.replace('192.0.2.1', '192.0.2.2'))
  const after = statSync(path)
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid])
  assert.notEqual(after.ino, before.ino, 'a new file took its place')
  await row.restore(NEVER)
  assert.equal(readFileSync(path, 'utf8'), USERS)
  assert.ok(!existsSync(`${path}.lock`))
})

test('the file behind a symbolic link is replaced, not the link', async (t) => {
  const { dir, open } = place(t)
  writeFileSync(join(dir, 'real'), USERS)
  symlinkSync('real', join(dir, 'users'))
  const row = await open(`passdb {\n driver = passwd-file\n args = ${dir}/users\n}\n`).find('jane', NEVER)
  await row.change(TO_B, NEVER)
  assert.match(readFileSync(join(dir, 'real'), 'utf8'), /host=192\.0\.2\.2 port=1143$/)
  assert.equal(readFileSync(join(dir, 'users'), 'utf8'), readFileSync(join(dir, 'real'), 'utf8'))
})

test('rows of one file that change at the same time all change', async (t) => {
  const { dir, open } = place(t)
  const path = join(dir, 'users')
  const names = Array.from({ length: 20 }, (_, index) => `user${index}`)
  writeFileSync(path, names.map((name) => `${name}:{PLAIN}x::::::host=192.0.2.1\n`).join(''))
  const rows = open(`passdb {\n driver = passwd-file\n args = ${path}\n}\n`)
  const found = await Promise.all(names.map((name) => rows.find(name, NEVER)))
  await Promise.all(found.map((row) => row.change(TO_B, NEVER)))
  assert.equal(readFileSync(path, 'utf8').match(/192\.0\.2\.2/g)?.length, 20)
})

test('a line that somebody else changed is left alone', async (t) => {
  const { dir, open } = place(t)
  const path = join(dir, 'users')
  writeFileSync(path, USERS)
  const row = await open(`passdb {\n driver = passwd-file\n args = ${path}\n}\n`).find('joe', NEVER)
  writeFileSync(path, USERS.replace('192.0.2.1', '192.0.2.7'))
  await assert.rejects(row.change(TO_B, NEVER), RoutingRowError)
  assert.match(readFileSync(path, 'utf8'), /192\.0\.2\.7/)
  assert.ok(!existsSync(`${path}.lock`))
})

test('a hostip would win over the new host: the user is not moved', async (t) => {
  const { dir, open } = place(t)
  writeFileSync(join(dir, 'users'), 'joe:x::::::host=a hostip=192.0.2.1\n')
  const rows = open(`passdb {\n driver = passwd-file\n args = ${dir}/users\n}\n`)
  await assert.rejects(rows.find('joe', NEVER), /hostip/)
})

function writeSql(dir: string, more: string, path = join(dir, 'users.sqlite')): string {
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE users (user TEXT PRIMARY KEY, password TEXT, host TEXT, port TEXT, delay_until TEXT)')
  database.exec(
    `INSERT INTO users VALUES ('joe', 'x', '192.0.2.1', NULL, NULL), ('o''neil', 'x', '192.0.2.1', '1143', NULL)`,
  )
  database.close()
  const ext = join(dir, 'sql.conf.ext')
  writeFileSync(
    ext,
    `driver = sqlite
connect = ${path}
password_query = SELECT password, host, port, delay_until, 'y' AS proxy FROM users WHERE user = '%u'
${more}
`,
  )
  return `passdb {\n driver = sql\n args = ${ext}\n}\n`
}

const MOVE_QUERY = `postern_move_query = UPDATE users SET host = '%{host}', port = NULLIF('%{port}', ''), delay_until = '%{delay_until}' WHERE user = '%u' AND host = '%{old_host}'`

function rowOf(dir: string, user: string): unknown {
  const database = new DatabaseSync(join(dir, 'users.sqlite'))
  const row = database.prepare('SELECT host, port, delay_until FROM users WHERE user = ?').get(user)
  database.close()
  return { ...row }
}

test('a SQL row changes with one statement and comes back, values escaped', async (t) => {
  const { dir, open } = place(t)
  const rows = open(writeSql(dir, MOVE_QUERY))
  const row = await rows.find("o'neil", NEVER)
  assert.deepEqual(row.current, { host: '192.0.2.1', port: '1143' })
  assert.match(row.describe(TO_B), /SET host = '192\.0\.2\.2', port = NULLIF\('1143', ''\).* WHERE user = 'o''neil'/)
  await row.change({ host: '192.0.2.2', port: '2143', delayUntil: '1900000000+5' }, NEVER)
  assert.deepEqual(rowOf(dir, "o'neil"), { host: '192.0.2.2', port: '2143', delay_until: '1900000000+5' })
  assert.deepEqual(rowOf(dir, 'joe'), { host: '192.0.2.1', port: null, delay_until: null })
  await row.restore(NEVER)
  assert.deepEqual(rowOf(dir, "o'neil"), { host: '192.0.2.1', port: '1143', delay_until: '0' })
})

const BAD_QUERIES: readonly { query: string; fault: RegExp; why: string }[] = [
  { query: '', fault: /has no postern_move_query/, why: 'there is no query' },
  {
    query: "postern_move_query = UPDATE userz SET host = '%{host}'",
    fault: /no such table/,
    why: 'the query is wrong',
  },
  {
    query: "postern_move_query = UPDATE users SET host = '%{host}' WHERE user = 'nobody'",
    fault: /password_query says host=192\.0\.2\.1/,
    why: 'the query changes another row',
  },
  { query: "postern_move_query = UPDATE users SET host = '%{hots}'", fault: /hots/, why: 'a variable is unknown' },
]

for (const { query, fault, why } of BAD_QUERIES) {
  test(`a SQL row is not moved when ${why}`, { timeout: 30_000 }, async (t) => {
    const { dir, open } = place(t)
    const rows = open(writeSql(dir, query))
    const move = async (): Promise<void> => await (await rows.find('joe', NEVER)).change(TO_B, NEVER)
    await assert.rejects(move(), (error: Error) => error instanceof RoutingRowError && fault.test(error.message))
    assert.deepEqual(rowOf(dir, 'joe'), { host: '192.0.2.1', port: null, delay_until: null })
  })
}

test('the first passdb that says where the backend is has the row', async (t) => {
  const { dir, open } = place(t)
  writeFileSync(join(dir, 'users'), 'joe:{PLAIN}x\njane:{PLAIN}x::::::host=192.0.2.1\n')
  const file = `passdb {\n driver = passwd-file\n args = ${dir}/users\n}\n`
  const rows = open(`${file}passdb {\n driver = static\n args = nopassword=y\n}\n${writeSql(dir, MOVE_QUERY)}`)
  assert.match((await rows.find('joe', NEVER)).place, /^sql /)
  assert.match((await rows.find('jane', NEVER)).place, /^passwd-file /)
  await assert.rejects(rows.find('nobody', NEVER), (error: RoutingRowError) => error.userUnknown)
})
