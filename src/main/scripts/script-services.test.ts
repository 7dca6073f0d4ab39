import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { loadConfig } from '../../config/load.ts'
import { systemFiles } from '../config-files.ts'
import { ScriptServices } from './script-services.ts'

const SCRIPT = `#!/bin/sh
echo "args: $*"; echo "input: $(cat)"; echo "env: $(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=)"
[ "$2" = bad ] && exit 3
exit 0
`

async function start(t: TestContext): Promise<{ path: string; log: string[] }> {
  const dir = makeTempDir('scripts')
  t.after(() => removeTempDir(dir))
  writeFileSync(join(dir, 'echo.sh'), SCRIPT)
  chmodSync(join(dir, 'echo.sh'), 0o755)
  const file = join(dir, 'dovecot.conf')
  writeFileSync(
    file,
    `base_dir = ${dir}
service echo {
  executable = script -e FOO ${dir}/echo.sh one
  unix_listener echo {
    mode = 0600
  }
}
service gone {
  executable = script ${dir}/nosuch
  unix_listener gone {
    mode = 0600
  }
}
`,
  )
  const { config } = loadConfig({ path: file, files: systemFiles(), overrides: [], hostname: 'mx.test' })
  assert.ok(config)
  const log: string[] = []
  const services = new ScriptServices({
    log: (level, service, text) => void log.push(`${level} ${service}: ${text}`),
    system: { user: () => Promise.resolve(undefined), group: () => Promise.resolve(undefined) },
  })
  await services.configure(config)
  t.after(() => services.close())
  return { path: dir, log }
}

async function ask(path: string, text: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true })
  socket.end(text)
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}

const VERSION = 'VERSION\tscript\t4\t0\n'

test('scripts are run for whoever asks, with input, output and how they ended', async (t) => {
  const { path, log } = await start(t)
  const rows: { why: string; text: string; said: string }[] = [
    { why: 'it ends well', text: '-\nok\ta\nb c\n\nin', said: 'args: one ok\ta b c\ninput: in\nenv: \n+\n' },
    { why: 'it does not', text: '-\nbad\n\n', said: 'args: one bad\ninput: \nenv: \n-\n' },
    { why: 'nobody waits', text: 'noreply\nok\n\n', said: '' },
    { why: 'half a request', text: '-\nok\n', said: '' },
  ]
  for (const { why, text, said } of rows) assert.equal(await ask(join(path, 'echo'), VERSION + text), said, why)
  assert.equal(await ask(join(path, 'echo'), 'HELO\n\n'), '')
  assert.equal(await ask(join(path, 'gone'), `${VERSION}-\nok\n\n`), '-\n')
  assert.deepEqual(log, [
    'error echo: Script terminated abnormally, exit status 3',
    'error echo: Client not compatible with this service, or gone',
    'error echo: Client not compatible with this service, or gone',
    `error gone: Script terminated abnormally, spawn ${path}/nosuch ENOENT`,
  ])
})
