import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { startDovecot } from './peers/dovecot.ts'
import { skipWithout } from './peers/peers.ts'
import { runPostern } from './support/run-postern.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

const USERS = `joe:{PLAIN}right::::::user_alt=jj forward_x=1
jane:{PLAIN}right::::::proxy=y host=10.0.0.1 port=143 pass=secret destuser=jane2
dis:{PLAIN}right::::::nologin reason=bye
near:{PLAIN}right::::::allow_nets=192.0.2.0/24
long:{PLAIN}right::::::proxy_host_immediate_failure_after=10s a=b
`

interface Run {
  readonly status: number
  readonly out: string
}

async function doveadm(config: string, args: readonly string[]): Promise<Run> {
  return await new Promise((resolve) => {
    execFile('/usr/bin/doveadm', ['-c', config, 'auth', ...args], (error, out) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, out })
    })
  })
}

test('auth test and auth lookup say what doveadm says, with its status', {
  skip: skipWithout('dovecot'),
}, async (t) => {
  const dovecot = await startDovecot(({ dir }) => {
    writeFileSync(join(dir, 'users'), USERS, { mode: 0o644 })
    const passdb = `driver = passwd-file\n  args = ${dir}/users\n`
    const master = `passdb {\n  ${passdb}  master = yes\n  result_success = continue\n}\n`
    return `protocols =\nauth_master_user_separator = *\n${master}passdb {\n  ${passdb}}\n`
  })
  t.after(() => dovecot.stop())
  const config = join(dovecot.dir, 'dovecot.conf')
  const rows: readonly (readonly string[])[] = [
    ['test', 'joe', 'right'],
    ['test', 'joe', 'wrong'],
    ['test', 'JOE', 'right'],
    ['test', 'nobody', 'right'],
    ['test', 'jane', 'right'],
    ['test', 'dis', 'right'],
    ['test', 'near', 'right'],
    ['test', '-x', 'rip=192.0.2.9', 'near', 'right'],
    ['test', 'long', 'right'],
    ['test', '-M', 'JOE', 'jane', 'right'],
    ['test', 'jane*joe', 'right'],
    ['lookup', 'JOE'],
    ['lookup', 'jane', 'nobody', 'long'],
    ['lookup', 'near'],
    ['lookup', '-f', 'host', 'jane', 'joe'],
  ]
  for (const args of rows) {
    const { status, out } = await runPostern(['auth', args[0] ?? '', '-c', config, ...args.slice(1)])
    const wanted = await doveadm(config, args)
    // Fields without effect for a login stay in Dovecot's answer as an empty line.
    assert.deepEqual({ status, out }, { ...wanted, out: wanted.out.replace(/^ {2}\n/m, '') }, args.join(' '))
  }
})

/** A configuration with a chain of three passdbs: passwd-file, SQLite, static. */
function writeChain(t: TestContext): string {
  const dir = makeTempDir('explain')
  t.after(() => removeTempDir(dir))
  writeFileSync(join(dir, 'users'), 'joe:{PLAIN}right::::::user_alt=jj nologin reason=bye\n')
  const database = new DatabaseSync(join(dir, 'users.sqlite'))
  database.exec('CREATE TABLE users (user TEXT, password TEXT, host TEXT, port TEXT, ssl TEXT, pass TEXT)')
  database.exec(`INSERT INTO users VALUES ('sue@example.org', '{PLAIN}right', '127.0.0.8', '993', 'yes', 'geheim')`)
  database.close()
  writeFileSync(
    join(dir, 'sql.conf'),
    `driver = sqlite
connect = ${dir}/users.sqlite
password_query = SELECT user, password, 'Y' AS proxy, host, port, ssl, pass FROM users WHERE user = '%u' AND '%s' = '%s'
`,
  )
  writeFileSync(
    join(dir, 'dovecot.conf'),
    `protocols = imap pop3
log_path = /dev/stderr
ssl = no
login_proxy_timeout = 7 s
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = ${dir}/users
}
passdb {
  driver = sql
  args = ${dir}/sql.conf
}
passdb {
  driver = static
  args = proxy=y host=10.9.9.9 nopassword=y pass=geheim master=adm user=%Lu@static.example starttls=any-cert forward_x=%r
}
`,
  )
  return dir
}

/** Without what depends on the directory. */
async function explain(dir: string, ...args: readonly string[]): Promise<Run> {
  const { status, out, err } = await runPostern(['auth', 'explain', '-c', join(dir, 'dovecot.conf'), ...args])
  assert.equal(err, '')
  return { status, out: out.replaceAll(dir, 'DIR') }
}

describe('auth explain tells every step', () => {
  test('of a user in an SQL table', async (t) => {
    const { status, out } = await explain(writeChain(t), '-x', 'rip=192.0.2.9', 'Sue@Example.org')
    assert.equal(status, 0)
    assert.equal(
      out,
      `Sue@Example.org is looked up, without a password: service imap, client 192.0.2.9, server 127.0.0.1:143

1. username
   user name Sue@Example.org -> sue@example.org (auth_username_format = %Lu)

2. passdb passwd-file (DIR/dovecot.conf:6)
   Performing passdb lookup
   lookup: user=sue@example.org file=DIR/users
   unknown user
   Finished passdb lookup
   user-unknown: the fields of this database do not count

3. passdb sql (DIR/dovecot.conf:10)
   Performing passdb lookup
   query: SELECT user, password, 'Y' AS proxy, host, port, ssl, pass FROM users WHERE user = 'sue@example.org' AND 'imap' = 'imap'
   Finished passdb lookup
   sets:
     user=sue@example.org  from column user
     proxy=Y               from column proxy
     host=127.0.0.8        from column host
     port=993              from column port
     ssl=yes               from column ssl
     pass=[secret]         from column pass

Outcome: The databases know sue@example.org; no password was checked.
Route:   proxied to 127.0.0.8, port 993
   address          127.0.0.8 port 993
   source address   the system's choice
   TLS              from the first byte; the certificate must be valid for 127.0.0.8, by the system's authorities
   client identity  told, if the backend offers to listen
   user             sue@example.org
   password         the \`pass\` field of the passdb
   mechanism        the protocol's own login
   time limit       7 s, at most 4 attempts
   hops left        4

Sent to a backend that offers everything, (password) in place of the password:
   I ID ("x-session-id" "explain" "x-originating-ip" "192.0.2.9" "x-originating-port" "0" "x-connected-ip" "127.0.0.1" "x-connected-port" "143" "x-proxy-ttl" "4")
   L LOGIN "sue@example.org" "(password)"
`,
    )
  })

  test('of a user in a passwd-file who may not log in', async (t) => {
    const { status, out } = await explain(writeChain(t), 'joe', 'right')
    assert.equal(status, 77)
    assert.equal(
      out,
      `joe logs in with a password: service imap, client 127.0.0.1, server 127.0.0.1:143

1. username
   user name joe -> joe (auth_username_format = %Lu)

2. passdb passwd-file (DIR/dovecot.conf:6)
   Performing passdb lookup
   lookup: user=joe file=DIR/users
   Finished passdb lookup
   sets:
     user_alt=jj  from DIR/users:1
     nologin      from DIR/users:1
     reason=bye   from DIR/users:1

Outcome: The password is right, but nologin is set (reason: bye).
`,
    )
  })

  test('of a user that a static passdb sends elsewhere, with every variable', async (t) => {
    const { status, out } = await explain(writeChain(t), '-s', 'pop3', '-x', 'rip=192.0.2.9', 'Whoever')
    assert.equal(status, 0)
    assert.equal(
      out.slice(out.indexOf('4. ')),
      `4. passdb static (DIR/dovecot.conf:14)
   Performing passdb lookup
   lookup
   user=%Lu@static.example -> whoever@static.example
   username changed whoever -> whoever@static.example
   forward_x=%r -> 192.0.2.9
   Finished passdb lookup
   sets:
     proxy=y                      from args, DIR/dovecot.conf:14
     host=10.9.9.9                from args, DIR/dovecot.conf:14
     pass=[secret]                from args, DIR/dovecot.conf:14
     master=adm                   from args, DIR/dovecot.conf:14
     user=whoever@static.example  from args, DIR/dovecot.conf:14
     starttls=any-cert            from args, DIR/dovecot.conf:14
     forward_x=192.0.2.9          from args, DIR/dovecot.conf:14

Outcome: The databases know whoever@static.example; no password was checked.
Route:   proxied to 10.9.9.9, port 110
   address          10.9.9.9 port 110
   source address   the system's choice
   TLS              STARTTLS, or the login fails; the certificate is not checked
   client identity  told, if the backend offers to listen
   forwarded        x=192.0.2.9
   user             whoever@static.example, with the name and password of adm
   password         the \`pass\` field of the passdb
   mechanism        PLAIN
   time limit       7 s, at most 4 attempts
   hops left        4

Sent to a backend that offers everything, (password) in place of the password:
   STLS
   (TLS handshake)
   XCLIENT ADDR=192.0.2.9 SESSION=explain TTL=4 FORWARD=eD0xOTIuMC4yLjk=
   AUTH PLAIN d2hvZXZlckBzdGF0aWMuZXhhbXBsZQBhZG0AKHBhc3N3b3JkKQ==
     (that is whoever@static.example\\0adm\\0(password))
`,
    )
  })

  test('as data, without a secret in it', async (t) => {
    const dir = writeChain(t)
    for (const user of ['sue@example.org', 'x']) {
      const { out } = await explain(dir, '--json', user)
      const data = JSON.parse(out) as { route: { kind: string }; steps: { part: string; at?: string }[] }
      assert.equal(data.route.kind, 'proxy')
      assert.deepEqual(
        data.steps.slice(0, 2).map(({ part, at }) => [part, at]),
        [
          ['username', undefined],
          ['passdb passwd-file', 'DIR/dovecot.conf:6'],
        ],
      )
      assert.ok(!out.includes('geheim'))
    }
  })
})

test('the status of a refused, an unknown and a broken user', async (t) => {
  const dir = makeTempDir('explain')
  t.after(() => removeTempDir(dir))
  const config = join(dir, 'dovecot.conf')
  writeFileSync(join(dir, 'users'), `${USERS}nohost:{PLAIN}right::::::proxy=y\n`)
  writeFileSync(
    config,
    `ssl = no\nauth_failure_delay = 0\npassdb {\n  driver = passwd-file\n  args = ${dir}/users\n}\n`,
  )
  const rows: readonly [args: readonly string[], status: number, out: RegExp][] = [
    [['explain', 'joe', 'wrong'], 77, /Password mismatch.*Outcome: The login fails, as with a wrong password\./s],
    [['explain', 'nobody'], 67, /Outcome: The databases do not know this user/],
    [['explain', 'nohost'], 75, /Route: {3}cannot be proxied: host not given/],
    [['explain', 'dis'], 77, /Route: {3}refused: nologin \(reason: bye\)/],
    [['explain', 'joe'], 0, /Route: {3}served on this server/],
    [
      ['test', '--json', 'joe', 'right'],
      0,
      /^\[\{"username":"joe","field":"result","value":"ok"\},\{"username":"joe",/,
    ],
    [['lookup', '--json', 'nobody'], 67, /^\[\]$/],
    [['explain', '-x', 'colour=blue', 'joe'], 0, /served on this server/],
    [['explain', '--help'], 0, /^usage: postern auth test/],
  ]
  for (const [[action = '', ...args], status, out] of rows) {
    const run = await runPostern(['auth', action, '-c', config, ...args])
    assert.equal(run.status, status, args.join(' '))
    assert.match(run.out, out)
  }
})

test('a command line that makes no sense, and a configuration with errors', async (t) => {
  const dir = makeTempDir('explain')
  t.after(() => removeTempDir(dir))
  const config = join(dir, 'dovecot.conf')
  writeFileSync(config, 'ssl = no\npassdb {\n  driver = nosuch\n}\npassdb {\n  driver = passwd-file\n}\n')
  for (const args of [[], ['guess'], ['test'], ['explain', 'a', 'b', 'c'], ['explain', '-z', 'a']]) {
    const { status, err } = await runPostern(['auth', ...args])
    assert.equal(status, 64, args.join(' '))
    assert.match(err, /^postern auth: .*\n\nusage: /)
  }
  const { status, err } = await runPostern(['auth', 'explain', '-c', config, 'joe'])
  assert.equal(status, 89)
  assert.match(err, /^Error: \S+dovecot\.conf:2: Unknown passdb driver 'nosuch'\nError: \S+dovecot\.conf:5: /)
})

test('auth test asks for the password when it is not given', async (t) => {
  const dir = makeTempDir('explain')
  t.after(() => removeTempDir(dir))
  const config = join(dir, 'dovecot.conf')
  writeFileSync(join(dir, 'users'), USERS)
  writeFileSync(config, `ssl = no\npassdb {\n  driver = passwd-file\n  args = ${dir}/users\n}\n`)
  const { status, out } = await runPostern(['auth', 'test', '-c', config, 'joe'], 'right\n')
  assert.equal(status, 0)
  assert.match(out, /^passdb: joe auth succeeded\n/)
})
