import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { makeCertificate } from '../support/certificates.ts'
import { eventually } from '../support/control.ts'
import { connectRaw, type RawClientOptions } from '../support/raw-client.ts'
import { runAtServer } from '../support/run-doveadm.ts'
import type { Wire } from '../support/wire.ts'

/**
 * Sessions without TLS whose mail belongs to another user than the server: the connection itself goes to the process with the
 * owner's rights (docs/decisions/0006-mail-workers.md).
 */

const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'only root can give processes the rights of others'
const UID = 20_003
const QUIET_MS = 150

let server: Started

async function open(listener: string, options: Partial<RawClientOptions> = {}): Promise<Wire> {
  return await connectRaw({ port: server.ports[listener] ?? 0, name: listener, ...options })
}

async function imap(user: string, listener = 'imap'): Promise<Wire> {
  const wire = await open(listener, listener === 'imaps' ? { tls: { rejectUnauthorized: false } } : {})
  await wire.expect(/^\* OK /)
  wire.send(`a LOGIN ${user} pw`)
  await wire.expect(/^a OK .*Logged in$/)
  return wire
}

async function ask(wire: Wire, command: string): Promise<string> {
  wire.send(`t ${command}`)
  return (await wire.linesUntil(/^t /)).at(-1) ?? ''
}

/** `mpid` of the user's newest login. */
async function mailPid(user: string, from = 0): Promise<number> {
  const line = await server.waitForLog(new RegExp(`Login: user=<${user}>, .*mpid=\\d+`), from)
  return Number(/mpid=(\d+)/.exec(line)?.[1])
}

/** The server's processes that hold its end of the connection. */
function holders(wire: Wire): readonly number[] {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  const ends = new RegExp(`:${hex(wire.remotePort)} \\S+:${hex(wire.localPort)} `)
  const row = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .find((line) => ends.test(line))
  const inode = row?.trim().split(/\s+/)[9] ?? '-'
  return childrenOf(server.pid).filter((pid) => hasOpen(pid, `socket:[${inode}]`))
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}

function hasOpen(pid: number, what: string): boolean {
  const directory = `/proc/${pid}/fd`
  // A process or a file may be gone by now.
  try {
    return readdirSync(directory).some((fd) => linkTo(join(directory, fd)) === what)
  } catch {
    return false
  }
}

function linkTo(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** In this process: to start one for each question would take longer than everything else. */
async function doveadm(...words: string[]): Promise<string> {
  const { status, out, err } = await runAtServer(server, words)
  assert.equal(status, 0, err)
  return out
}

describe('sessions that are handed over', { skip: NEEDS_ROOT }, () => {
  before(async () => {
    const { key, cert } = await makeCertificate()
    server = await startPostern(({ dir, port }) => {
      const mail = join(dir, 'mail')
      mkdirSync(mail)
      chmodSync(mail, 0o1777)
      writeFileSync(join(dir, 'key.pem'), key)
      writeFileSync(join(dir, 'cert.pem'), cert)
      return `protocols = imap pop3
postern_workers = 2
disable_plaintext_auth = no
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
first_valid_uid = 1
mail_location = maildir:${mail}/%u
mail_max_userip_connections = 3
haproxy_trusted_networks = 127.0.0.1
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=${UID} gid=${UID} home=${mail}/%u
}
service imap-login {
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = ${port('imaps')}
    ssl = yes
  }
  inet_listener haproxy {
    port = ${port('haproxy')}
    haproxy = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${port('pop3')}
  }
  inet_listener pop3s {
    port = 0
  }
}
`
    })
  })
  after(async () => await server.stop())

  test('the connection belongs to the mail worker alone; with TLS it stays where it was', async () => {
    const plain = await imap('owner')
    const pid = await mailPid('owner')
    assert.match(await ask(plain, 'NOOP'), /^t OK/)
    await eventually('the login worker closes its end', () => holders(plain).length === 1)
    assert.deepEqual(holders(plain), [pid])
    const secured = await imap('owner', 'imaps')
    assert.match(await ask(secured, 'NOOP'), /^t OK/)
    assert.equal(holders(secured).includes(pid), false)
    for (const wire of [plain, secured]) wire.destroy()
  })

  test('what came behind the login in the same packet is not lost, and counted', async () => {
    const from = server.logLines.length
    const wire = await open('imap')
    await wire.expect(/^\* OK /)
    wire.send('a LOGIN pipeliner pw', 'b SELECT INBOX', 'c NOOP', 'd LOGOUT')
    const lines = await wire.linesUntil(/^d /)
    await wire.expectEnd()
    assert.deepEqual(
      lines.filter((line) => /^[a-d] /.test(line)).map((line) => line.slice(0, 4)),
      ['a OK', 'b OK', 'c OK', 'd OK'],
    )
    const bytes = 'b SELECT INBOX\r\nc NOOP\r\nd LOGOUT\r\n'.length
    await server.waitForLog(
      new RegExp(`imap\\(pipeliner\\)<\\d+><\\S+>: Info: Disconnected: Logged out in=${bytes} `),
      from,
    )
  })

  test('a command that was begun before the hand-over is finished after it', async () => {
    const wire = await open('imap')
    await wire.expect(/^\* OK /)
    wire.sendRaw('a LOGIN splitter pw\r\nb SEL')
    await wire.linesUntil(/^a OK/)
    wire.sendRaw('ECT INBOX\r\n')
    assert.match((await wire.linesUntil(/^b /)).at(-1) ?? '', /^b OK/)
    wire.destroy()
  })

  test('POP3, all of it in one packet', async () => {
    const wire = await open('pop3')
    await wire.expect(/^\+OK/)
    wire.send('USER popper', 'PASS pw', 'STAT', 'QUIT')
    await wire.expect(/^\+OK/)
    await wire.expect(/^\+OK Logged in/)
    await wire.expect('+OK 0 0')
    await wire.expect(/^\+OK Logging out/)
    await wire.expectEnd()
  })

  test('behind a PROXY header the client is who the header says', async () => {
    const from = server.logLines.length
    const wire = await open('haproxy')
    wire.send('PROXY TCP4 192.0.2.7 192.0.2.1 40000 143', 'a LOGIN proxied pw', 'b NOOP')
    await wire.linesUntil(/^b OK/)
    await server.waitForLog(/Login: user=<proxied>, .*rip=192\.0\.2\.7, lip=192\.0\.2\.1/, from)
    await eventually('one process has the connection', () => holders(wire).length === 1)
    assert.deepEqual(holders(wire), [await mailPid('proxied', from)])
    wire.destroy()
  })

  test('a session that is kicked in IDLE hears a word and is gone from the table', async () => {
    const [wire, secured] = [await imap('idler'), await imap('idler', 'imaps')]
    for (const one of [wire, secured]) {
      one.send('t IDLE')
      await one.expect(/^\+ /)
    }
    // Behind TLS only who has been quiet for a moment is told: anything else could be in the middle of a reply.
    await pause(QUIET_MS)
    assert.match(await doveadm('who', 'idler'), /^idler +2 imap/m)
    await doveadm('kick', 'idler')
    for (const one of [wire, secured]) {
      await one.expect(/^\* BYE /)
      await one.expectEnd()
    }
    await eventually('nobody is listed', async () => !(await doveadm('who', 'idler')).includes('idler'))
  })

  test('sessions live on when the configuration is loaded again', async () => {
    const wire = await imap('reloader')
    const from = server.logLines.length
    server.signal('SIGHUP')
    await server.waitForLog(/master: .*(eload|SIGHUP)/, from)
    assert.match(await ask(wire, 'NOOP'), /^t OK/)
    const next = await imap('reloader')
    assert.match(await ask(next, 'SELECT INBOX'), /^t OK/)
    for (const one of [wire, next]) one.destroy()
  })

  test('when the mail worker is killed its sessions end, are told of and not counted any more', async () => {
    const wires = [await imap('victim'), await imap('victim'), await imap('victim')]
    const from = server.logLines.length
    process.kill(await mailPid('victim'), 'SIGKILL')
    for (const wire of wires) await wire.expectEnd()
    // Each login worker tells of its own.
    const ended = (): number =>
      server.logLines
        .slice(from)
        .reduce((sum, line) => sum + Number(/Mail worker ended under (\d+) /.exec(line)?.[1] ?? 0), 0)
    await server.waitForLog(() => ended() === wires.length)
    await server.waitForLog(/mail worker \d+ died: signal SIGKILL/, from)
    // At once, and as many as there may be.
    const again = await Promise.all(['victim', 'victim', 'victim'].map(async (user) => await imap(user)))
    for (const wire of again) assert.match(await ask(wire, 'NOOP'), /^t OK/)
    assert.match(await doveadm('who', 'victim'), /^victim +3 imap/m)
    for (const wire of again) wire.destroy()
  })

  test('when the login worker is killed its sessions end with a word', async () => {
    const wire = await imap('orphan')
    const from = server.logLines.length
    const mail = await mailPid('orphan')
    const logins = childrenOf(server.pid).filter((pid) => uidOf(pid) === 0)
    for (const pid of logins) process.kill(pid, 'SIGKILL')
    await wire.linesUntil(/^\* BYE /)
    await wire.expectEnd()
    await server.waitForLog(/imap\(orphan\)<\d+><\S+>: Info: Disconnected: /, from)
    await eventually('new login workers serve', async () => {
      try {
        const next = await imap('orphan')
        next.destroy()
        return true
      } catch {
        return false
      }
    })
    assert.equal(await mailPid('orphan', from), mail, 'the mail worker is the same')
  })

  test('postern_hand_over = no keeps connections where they are', async () => {
    appendFileSync(join(server.dir, 'dovecot.conf'), 'postern_hand_over = no\n')
    const from = server.logLines.length
    server.signal('SIGHUP')
    await server.waitForLog(/Configuration .* reloaded/, from)
    const wire = await imap('carried')
    const pid = await mailPid('carried', from)
    assert.match(await ask(wire, 'SELECT INBOX'), /^t OK/)
    assert.equal(holders(wire).length, 1)
    assert.equal(holders(wire).includes(pid), false)
    wire.destroy()
  })
})

function uidOf(pid: number): number {
  return Number(/^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
