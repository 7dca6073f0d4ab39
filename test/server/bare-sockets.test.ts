import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bareSelfTest } from '../../src/net/bare/self-test.ts'
import { runPostern } from '../support/run-postern.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { startSample } from './sample.ts'

/** A Node without what bare sockets are made of, in every process that is started meanwhile. */
function withoutBinding(t: TestContext): void {
  const before = process.env['NODE_OPTIONS']
  const code = "process.binding = () => { throw new Error('no such binding') }"
  process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(code)}`
  t.after(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  })
}

function configFile(t: TestContext, text: string): string {
  const dir = makeTempDir('bare-sockets')
  t.after(() => removeTempDir(dir))
  const file = join(dir, 'dovecot.conf')
  writeFileSync(file, `base_dir = ${dir}/run\nlog_path = ${dir}/log\nprotocols =\n${text}`)
  return file
}

const WANTED = 'postern_bare_sockets = yes\n'

test('this Node passes the test of what bare sockets rely upon', bareSelfTest)

test('where a Node fails it, the server says so and serves all the same', async (t) => {
  withoutBinding(t)
  const { server, login } = await startSample(t, { settings: WANTED })
  const client = await login()
  client.send('x1 hello')
  await client.expect('X1 HELLO')
  const line = server.logLines.find((one) => one.includes('postern_bare_sockets')) ?? ''
  assert.match(
    line,
    /Warning: postern_bare_sockets: Not used, this Node failed the test: .*process\.binding.*\(exit status 1\)$/,
  )
})

test('a server that practised serves as ever, and its log does not know of it', async (t) => {
  const { server, login } = await startSample(t, { settings: `${WANTED}postern_practice = 500 ms\n` })
  assert.deepEqual(
    server.logLines.filter((line) => /practi[sc]e/i.test(line)),
    [],
  )
  const client = await login()
  client.send('x1 hello')
  await client.expect('X1 HELLO')
})

test('doctor says what a start would say, with the line of the setting', async (t) => {
  const file = configFile(t, WANTED)
  const good = await runPostern(['doctor', '-c', file])
  assert.doesNotMatch(good.out, /postern_bare_sockets/)
  withoutBinding(t)
  const bad = await runPostern(['doctor', '-c', file])
  assert.match(
    bad.out,
    /^WARNING \S+dovecot\.conf:4 postern_bare_sockets will not be used: Node \S+ failed the test: /m,
  )
})

test('a reload says that the setting waits for the next start', async (t) => {
  const { server } = await startSample(t, { settings: 'login_greeting = one' })
  const file = join(server.dir, 'dovecot.conf')
  writeFileSync(file, `${readFileSync(file, 'utf8')}${WANTED}`)
  server.signal('SIGHUP')
  await server.waitForLog(/Warning: postern_bare_sockets takes effect when the server is started again/)
})
