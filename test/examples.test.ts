import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { generate } from 'selfsigned'
import { BARE_ARGS } from './support/bare-mode.ts'
import { freePorts } from './support/free-ports.ts'

const EXAMPLES = join(import.meta.dirname, '..', 'examples')
/** Long enough for a busy machine. */
const READY_MS = 120_000

for (const name of readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  test(`the example ${name.name} starts and greets`, async (t) => {
    const directory = await prepare(t, name.name)
    const [port = 0] = await freePorts(1)
    const child = spawn(
      process.execPath,
      [
        'bin/postern.js',
        'serve',
        '-c',
        join(directory, 'dovecot.conf'),
        ...BARE_ARGS,
        ...overrides(directory, name.name, port),
      ],
      {
        cwd: join(EXAMPLES, '..'),
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: READY_MS,
      },
    )
    t.after(async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
    })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const first = await createInterface(child.stdout)[Symbol.asyncIterator]().next()
    assert.match(String(first.value), /^postern ready: .*:\d+/, errors)
    assert.ok(String(first.value).includes(`127.0.0.1:${port}`), String(first.value))
  })
}

/** The example as an administrator would install it, under a directory of our own in place of /etc/dovecot. */
async function prepare(t: TestContext, name: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-example-'))
  t.after(() => rmSync(directory, { recursive: true }))
  cpSync(join(EXAMPLES, name), directory, { recursive: true })
  for (const file of readdirSync(directory)) {
    const path = join(directory, file)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('/etc/dovecot/', `${directory}/`))
    if (file.endsWith('.sql')) {
      const database = new DatabaseSync(join(directory, file.replace('.sql', '.sqlite')))
      database.exec(readFileSync(path, 'utf8'))
      database.close()
    }
  }
  const pems = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', curve: 'P-256' })
  writeFileSync(join(directory, 'cert.pem'), pems.cert)
  writeFileSync(join(directory, 'backend-ca.pem'), pems.cert)
  writeFileSync(join(directory, 'key.pem'), pems.private)
  return directory
}

/** Ports from the kernel in place of the well-known ones; the rest of the example stays as it is. */
function overrides(directory: string, name: string, port: number): string[] {
  const settings = [`base_dir=${directory}/run`, `log_path=${directory}/log`, 'listen=127.0.0.1', 'postern_workers=1']
  const listeners =
    name === 'behind-haproxy' ? { imap: 0, imaps: 0, imap_haproxy: port, imaps_haproxy: 0 } : { imap: port, imaps: 0 }
  for (const [listener, value] of Object.entries(listeners))
    settings.push(`service/imap-login/inet_listener/${listener}/port=${value}`)
  return settings.flatMap((setting) => ['-o', setting])
}
