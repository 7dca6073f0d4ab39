import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { runPostern } from '../support/run-postern.ts'
import { connectRaw } from '../support/raw-client.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { startSample } from './sample.ts'

test('a cache flush reaches those who connected before a reload, too', async (t) => {
  const dir = makeTempDir('old-generation')
  t.after(() => removeTempDir(dir))
  const database = new DatabaseSync(join(dir, 'users.sqlite'))
  t.after(() => database.close())
  database.exec("CREATE TABLE users (user TEXT, destuser TEXT); INSERT INTO users VALUES ('joe', 'old')")
  const { server, backend, login } = await startSample(t, {
    settings: 'auth_cache_size = 1 M',
    users: `passdb {\n  driver = sql\n  args = ${join(dir, 'sql.conf.ext')}\n}\n`,
    before: ({ port }) =>
      writeFileSync(
        join(dir, 'sql.conf.ext'),
        `driver = sqlite
connect = ${join(dir, 'users.sqlite')}
password_query = SELECT NULL AS password, 'y' AS nopassword, 'y' AS proxy, '127.0.0.1' AS host, '${port}' AS port, \\
  destuser FROM users WHERE user = '%u'
`,
      ),
  })
  const nameAt = async (number: number): Promise<string> =>
    (await backend.connection(number)).received.match(/^L LOGIN "?(\w+)/m)?.[1] ?? ''
  const stranger = await connectRaw({ port: server.ports['imap'] ?? 0 })
  t.after(() => stranger.destroy())
  await stranger.expect(/^\* OK /)
  await login()
  assert.equal(await nameAt(1), 'old')

  server.signal('SIGHUP')
  await server.waitForLog(/Configuration .* reloaded/)
  database.exec("UPDATE users SET destuser = 'new'")
  const flush = await runPostern(['doveadm', '-c', join(server.dir, 'dovecot.conf'), 'auth', 'cache', 'flush', 'joe'])
  assert.equal(flush.status, 0, flush.err)
  stranger.send('a LOGIN joe secret')
  await stranger.expect(/^a OK /)
  assert.equal(await nameAt(2), 'new')
})
