import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startPostern } from './peers/postern.ts'
import { makeAuthority, makeCertificate } from './support/certificates.ts'
import { freePorts } from './support/free-ports.ts'
import { type CommandRun, runPostern } from './support/run-postern.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

async function examine(t: TestContext, text: string, ...args: string[]): Promise<CommandRun & { dir: string }> {
  const dir = makeTempDir('doctor')
  t.after(() => removeTempDir(dir))
  mkdirSync(join(dir, 'run'))
  const config = join(dir, 'dovecot.conf')
  writeFileSync(config, text.replaceAll('DIR', dir))
  const run = await runPostern(['doctor', '-c', config, ...args])
  return { ...run, out: run.out.replaceAll(dir, 'DIR'), dir }
}

/** Somebody else's listener. */
async function occupyPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('all problems of a bad configuration are found at once, each with its file and line', async (t) => {
  const port = await occupyPort(t)
  const { status, out, err } = await examine(
    t,
    `protocols = imap
base_dir = DIR/run
log_path = DIR/missing/log
listen = 127.0.0.1
ssl = maybe
disable_plaintext_auth = no
no_such_setting = 1
login_plugins = x
login_source_ips = 192.0.2.77 nobody.invalid
auth_proxy_self = nowhere.invalid
postern_metrics_listen = 127.0.0.1:${port}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = passwd-file
  args = DIR/users
}
passdb {
  driver = sql
  args = DIR/sql.conf
}
`,
  )
  assert.equal(err, '')
  assert.equal(status, 89)
  const expected: readonly [line: string, why: string][] = [
    ['ERROR DIR/dovecot.conf:5 Invalid value: maybe', 'a value'],
    ['WARNING DIR/dovecot.conf:7 Unknown setting: no_such_setting', 'a setting'],
    ['WARNING DIR/dovecot.conf:6 disable_plaintext_auth = no: ', 'a combination'],
    ['WARNING DIR/dovecot.conf:8 login_plugins has no effect: ', 'a setting without effect'],
    ['ERROR DIR/dovecot.conf:24 ', 'an ext file that is not there'],
    [
      `ERROR DIR/dovecot.conf:13 service imap-login: cannot listen on 127.0.0.1:${port}: the address is in use`,
      'a port',
    ],
    [`ERROR DIR/dovecot.conf:11 postern_metrics_listen = 127.0.0.1:${port}: the address is in use`, 'another port'],
    ['ERROR DIR/dovecot.conf:9 login_source_ips: this machine does not have 192.0.2.77', 'an address'],
    ['ERROR DIR/dovecot.conf:9 login_source_ips: nobody.invalid does not resolve', 'a name'],
    ['WARNING DIR/dovecot.conf:10 auth_proxy_self: nowhere.invalid does not resolve', 'another name'],
    ['ERROR DIR/dovecot.conf:3 log_path cannot be written: DIR/missing is no directory', 'a log file'],
  ]
  for (const [line, why] of expected) assert.ok(out.includes(`\n${line}`), `${why}: ${line}\n${out}`)
  assert.match(out, /\nDIR\/dovecot\.conf: \d+ errors, \d+ warnings\n$/)
})

test('databases that cannot be reached are told with their block', async (t) => {
  const { status, out } = await examine(
    t,
    `protocols =
base_dir = DIR/run
log_path = /dev/stderr
ssl = no
passdb {
  driver = passwd-file
  args = DIR/users
}
passdb {
  driver = sql
  args = DIR/dovecot.conf
}
`,
  )
  assert.equal(status, 89)
  assert.match(out, /^databases:\n(ERROR DIR\/dovecot\.conf:\d+ .*\n)+/m)
})

test('a configuration without problems gives status 0, with warnings 1', async (t) => {
  const { cert, key } = await makeCertificate(await makeAuthority(), { names: ['mail.example.org'] })
  const dir = makeTempDir('doctor')
  t.after(() => removeTempDir(dir))
  writeFileSync(join(dir, 'cert.pem'), cert)
  writeFileSync(join(dir, 'key.pem'), key, { mode: 0o600 })
  const [port] = await freePorts(1)
  const sound = `protocols = imap
base_dir = DIR/run
log_path = /dev/stderr
hostname = mail.example.org
listen = 127.0.0.1
ssl = required
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = proxy=y host=127.0.0.1 nopassword=y
}
`
  const fine = await examine(t, sound)
  assert.equal(fine.out, 'DIR/dovecot.conf: no problems found\n')
  assert.equal(fine.status, 0)
  const warned = await examine(t, `${sound}auth_debug_passwords = yes\n`, '--json')
  const findings = JSON.parse(warned.out) as readonly { severity: string; area: string; line?: number }[]
  assert.deepEqual(
    findings.map(({ severity, area, line }) => [severity, area, line]),
    [['warning', 'configuration', 21]],
  )
  assert.equal(warned.status, 1)
})

test('a running server is not asked for its ports', async (t) => {
  const server = await startPostern(
    ({ port }) => `protocols = imap
passdb {
  driver = static
  args = proxy=y host=127.0.0.1 nopassword=y
}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
`,
  )
  t.after(() => server.stop())
  const config = join(server.dir, 'dovecot.conf')
  const running = await runPostern(['doctor', '-c', config])
  assert.match(running.out, /^INFO a server is running \(.*postern-control\): its listeners were not tried$/m)
  assert.ok(!running.out.includes('cannot listen'))
})

test('a file that is not there is one error, and a wrong command line none', async () => {
  const missing = await runPostern(['doctor', '-c', '/nonexistent/dovecot.conf'])
  assert.equal(missing.status, 89)
  assert.match(missing.out, /^ERROR open\(\/nonexistent\/dovecot\.conf\) failed: No such file or directory$/m)
  assert.match(missing.out, /: 1 error, 0 warnings\n$/)
  const wrong = await runPostern(['doctor', '--colour'])
  assert.equal(wrong.status, 64)
  assert.match(wrong.err, /^postern doctor: unexpected argument '--colour'\n\nusage: /)
  assert.equal((await runPostern(['doctor', '--help'])).status, 0)
})
