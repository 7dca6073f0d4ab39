import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { isInstalled, SAMPLE_PROTOCOLS, type SampleProtocol } from './sample-protocols.ts'
import { type BackendPorts, SAMPLE_PASSWORD } from './users.ts'

export interface DevBackend {
  /** By protocol, those it serves. */
  readonly ports: BackendPorts
  stop(): Promise<void>
}

const DOVECOT = '/usr/sbin/dovecot'
const READY_MS = 10_000
const PROBE_PAUSE_MS = 50

/**
 * Starts a private Dovecot that serves `user`'s Maildir in every protocol that is installed; `undefined` when not even IMAP is.
 * Messages that users submit go to `relayPort`.
 */
export async function startDovecotBackend(
  directory: string,
  user: string,
  relayPort: number,
): Promise<DevBackend | undefined> {
  const protocols = SAMPLE_PROTOCOLS.filter(isInstalled)
  if (protocols[0]?.name !== 'imap') return undefined
  const served: Served[] = []
  for (const protocol of protocols) served.push({ protocol, port: await freePort() })
  rmSync(join(directory, 'run'), { recursive: true, force: true })
  mkdirSync(join(directory, 'run'), { recursive: true })
  const owner = mailOwner()
  writeSampleMail(join(directory, 'mail', user), user, owner)
  const config = join(directory, 'dovecot.conf')
  writeFileSync(config, backendConfig(directory, served, relayPort, owner))
  const child = spawn(DOVECOT, ['-F', '-c', config], { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
  await reachable(served[0]?.port ?? 0, child)
  return {
    ports: Object.fromEntries(served.map(({ protocol, port }) => [protocol.name, port])),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

interface Served {
  readonly protocol: SampleProtocol
  readonly port: number
}

interface Owner {
  readonly name: string
  readonly group: string
  readonly uid: number
  readonly gid: number
}

/** Dovecot refuses to serve mail as root: root's sample mail belongs to the system user `mail`. */
function mailOwner(): Owner {
  const { username, uid, gid } = userInfo()
  if (uid !== 0) return { name: username, group: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim(), uid, gid }
  const line = readFileSync('/etc/passwd', 'latin1')
    .split('\n')
    .find((row) => row.startsWith('mail:'))
  const [name, , mailUid, mailGid] = line?.split(':') ?? []
  if (name === undefined) throw new Error('the system has no user "mail" to own the sample mail')
  return { name, group: name, uid: Number(mailUid), gid: Number(mailGid) }
}

function writeSampleMail(maildir: string, user: string, owner: Owner): void {
  const message = `From: postern@example.org\r\nTo: ${user}\r\nSubject: Hello ${user}\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\nThis mail lives on the backend of ${user}.\r\n`
  for (const part of ['', 'cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true })
  // Its flags are in its name: it may have been read since.
  const unique = '1700000000.M1P1.sample'
  const known = readdirSync(join(maildir, 'cur')).find((name) => name.startsWith(unique))
  const file = join(maildir, 'cur', known ?? `${unique},S=${message.length},W=${message.length}:2,`)
  if (known === undefined) writeFileSync(file, message)
  if (process.getuid?.() !== 0) return
  for (const path of [maildir, join(maildir, 'cur'), join(maildir, 'new'), join(maildir, 'tmp'), file])
    chownSync(path, owner.uid, owner.gid)
  chmodSync(maildir, 0o700)
}

function backendConfig(directory: string, served: readonly Served[], relayPort: number, owner: Owner): string {
  return `protocols = ${served.map(({ protocol }) => protocol.name).join(' ')}
listen = 127.0.0.1
base_dir = ${directory}/run
log_path = ${directory}/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:${directory}/mail/%u
mail_uid = ${owner.uid}
mail_gid = ${owner.gid}
first_valid_uid = 1
login_greeting = Backend ${directory.split('/').at(-1)} ready.
# The proxy may say who the client really is.
login_trusted_networks = 127.0.0.0/8
submission_relay_host = 127.0.0.1
submission_relay_port = ${relayPort}
${unprivileged(served, owner)}${served.map(listener).join('')}passdb {
  driver = static
  args = password=${SAMPLE_PASSWORD}
}
userdb {
  driver = static
  args = home=${directory}/mail/%u
}
`
}

function listener({ protocol: { name, service }, port }: Served): string {
  return `service ${service} {\n  inet_listener ${name} {\n    port = ${port}\n  }\n}\n`
}

/** Without root nobody can be switched to, and nothing put into a prison. */
function unprivileged(served: readonly Served[], { name, group }: Owner): string {
  if (process.getuid?.() === 0) return ''
  const users = `default_internal_user = ${name}\ndefault_internal_group = ${group}\ndefault_login_user = ${name}\n`
  const services = [
    'anvil',
    ...served.map(({ protocol }) => protocol.service).filter((text) => text.endsWith('-login')),
  ]
  return users + services.map((service) => `service ${service} {\n  chroot =\n}\n`).join('')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until the greeting arrives; rejects when the process ends first or takes too long. */
async function reachable(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS
  while (!(await greets(port))) {
    if (child.exitCode !== null)
      throw new Error(`the sample backend did not start (dovecot exit status ${child.exitCode})`)
    if (Date.now() > deadline) throw new Error('the sample backend did not start in time')
    await new Promise((resolve) => setTimeout(resolve, PROBE_PAUSE_MS))
  }
}

async function greets(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(1000, () => socket.destroy())
    socket.once('data', () => {
      resolve(true)
      socket.end('a LOGOUT\r\n')
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.resume()
  })
}
