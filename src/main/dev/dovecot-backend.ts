import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type MailFileOwner, mailOwner, makeMailDirectory } from './sample-mail.ts'
import { isInstalled, SAMPLE_PROTOCOLS, type SampleProtocol } from './sample-protocols.ts'
import { type SampleBackend, SAMPLE_PASSWORD } from './users.ts'

/** A running backend; its ports are by protocol, those it serves. */
export interface DevBackend extends SampleBackend {
  stop(): Promise<void>
}

const DOVECOT = '/usr/sbin/dovecot'
const READY_MS = 10_000
const PROBE_PAUSE_MS = 50

/**
 * Starts a private Dovecot for the protocols that have no backend of ours yet, those of them that are installed; `undefined` when
 * none is. Messages that users submit go to `relayPort`.
 */
export async function startDovecotBackend(
  directory: string,
  host: string,
  relayPort: number,
): Promise<DevBackend | undefined> {
  const protocols = SAMPLE_PROTOCOLS.filter((protocol) => protocol.program !== undefined && isInstalled(protocol))
  if (protocols.length === 0) return undefined
  const served: Served[] = []
  for (const protocol of protocols) served.push({ protocol, port: await freePort(host) })
  rmSync(join(directory, 'run'), { recursive: true, force: true })
  mkdirSync(join(directory, 'run'), { recursive: true })
  const owner = mailOwner()
  makeMailDirectory(join(directory, 'mail'), owner)
  const config = join(directory, 'dovecot.conf')
  writeFileSync(config, backendConfig(directory, host, served, relayPort, owner))
  const child = spawn(DOVECOT, ['-F', '-c', config], { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
  await reachable(host, served[0]?.port ?? 0, child)
  return {
    host,
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

function backendConfig(
  directory: string,
  host: string,
  served: readonly Served[],
  relayPort: number,
  owner: MailFileOwner,
): string {
  return `protocols = ${served.map(({ protocol }) => protocol.name).join(' ')}
listen = ${host}
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
function unprivileged(served: readonly Served[], { name, group }: MailFileOwner): string {
  if (process.getuid?.() === 0) return ''
  const users = `default_internal_user = ${name}\ndefault_internal_group = ${group}\ndefault_login_user = ${name}\n`
  const services = [
    'anvil',
    ...served.map(({ protocol }) => protocol.service).filter((text) => text.endsWith('-login')),
  ]
  return users + services.map((service) => `service ${service} {\n  chroot =\n}\n`).join('')
}

/** Waits until the greeting arrives; rejects when the process ends first or takes too long. */
async function reachable(host: string, port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS
  while (!(await greets(host, port))) {
    if (child.exitCode !== null)
      throw new Error(`the sample backend did not start (dovecot exit status ${child.exitCode})`)
    if (Date.now() > deadline) throw new Error('the sample backend did not start in time')
    await new Promise((resolve) => setTimeout(resolve, PROBE_PAUSE_MS))
  }
}

async function greets(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, host)
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
