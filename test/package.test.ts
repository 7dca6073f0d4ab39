import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MailHomes, PASSWORD, startLocalMail } from './peers/local-mail.ts'
import { ImapWire } from './stress/imap-wire.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const BUILD_MS = 120_000

/** What an administrator gets from `npm install postern`: compiled code only. */
function buildPackage(t: TestContext): string {
  const dir = makeTempDir('package')
  t.after(() => removeTempDir(dir))
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  // The types are checked elsewhere.
  const args = [
    compiler,
    '-p',
    'tsconfig.build.json',
    '--noCheck',
    '--declaration',
    'false',
    '--outDir',
    join(dir, 'dist'),
  ]
  execFileSync(process.execPath, args, { cwd: ROOT, timeout: BUILD_MS })
  for (const name of ['bin', 'package.json']) cpSync(join(ROOT, name), join(dir, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  return dir
}

test('the published package serves mail, through processes of its own', async (t) => {
  const dir = buildPackage(t)
  assert.ok(!existsSync(join(dir, 'src')))

  await t.test('a login, a delivery to the mailbox and a look at it', async (inner) => {
    const homes = new MailHomes(['joe'])
    inner.after(() => removeTempDir(homes.dir))
    const server = await startLocalMail(homes, 'postern_workers = 1\n', dir)
    inner.after(() => server.stop())
    const wire = await ImapWire.login(server.ports['imap'] ?? 0, 'joe', PASSWORD)
    inner.after(() => wire.destroy())
    const text = 'Subject: packed\r\n\r\nHello.\r\n'
    assert.match((await wire.say(`APPEND INBOX {${text.length}+}\r\n${text}`)).at(-1) ?? '', /APPENDUID/)
    await wire.say('SELECT INBOX')
    assert.match((await wire.say('FETCH 1 ENVELOPE')).join('\n'), /"packed"/)
  })

  await t.test('a password with a slow scheme is checked on its thread', () => {
    const output = execFileSync(process.execPath, [
      join(dir, 'bin', 'postern.js'),
      'doveadm',
      'pw',
      '-s',
      'SHA512-CRYPT',
      '-p',
      'pw',
    ])
    assert.match(output.toString(), /^\{SHA512-CRYPT\}\$6\$/)
  })

  await t.test('its command line starts', () => {
    const version = execFileSync(process.execPath, [join(dir, 'bin', 'postern.js'), '--version'])
      .toString()
      .trim()
    const { version: wanted } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    assert.equal(version, `postern ${wanted}`)
  })

  await t.test('everything that package.json exports is there', () => {
    assert.ok(existsSync(join(dir, 'dist', 'auth', 'module', 'api.js')))
  })
})
