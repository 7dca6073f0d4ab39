import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigText, Place } from '../peers/config-text.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'

/** Starts Postern with this configuration in one worker, so that what a process knows is what the server knows. */
export function startPosternLmtp(config: ConfigText): Promise<Started> {
  return startPostern((place) => `postern_workers = 1\n${config(place)}\n`)
}

/** Memory of the worker in bytes: resident now, and at most since the last look. Linux only. */
export function workerMemory({ pid }: Started): { readonly now: number; readonly peak: number } {
  const [worker = 0] = descendants(pid).slice(-1)
  const status = readFileSync(`/proc/${worker}/status`, 'utf8')
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  const memory = { now: kib('VmRSS') * 1024, peak: kib('VmHWM') * 1024 }
  writeFileSync(`/proc/${worker}/clear_refs`, '5')
  return memory
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const pids = children === '' ? [] : children.split(' ').map(Number)
  return pids.flatMap((child) => [child, ...descendants(child)])
}

export interface LmtpConfig {
  /** Rows of the user table, as passwd-file has them. */
  readonly users: string
  /** Further lines. */
  readonly settings?: string
  readonly hosts?: readonly string[]
}

/** The text both servers read: LMTP on port `lmtp`, with a passwd-file for passdb and userdb. */
export function lmtpConfig({ users, settings = '', hosts = ['127.0.0.1'] }: LmtpConfig): ConfigText {
  return (place) => `protocols = lmtp
listen = ${hosts.join(', ')}
hostname = proxy.test
login_greeting = ready.
login_trusted_networks = 127.1.0.0/16
auth_verbose = yes
lmtp_proxy = yes
first_valid_uid = 1
mail_location = maildir:${mailDir(place)}/%u
passdb {
  driver = passwd-file
  args = ${file(place, 'users', users)}
}
userdb {
  driver = passwd-file
  args = ${file(place, 'local-users', 'local:::::::\n')}
  default_fields = uid=mail gid=mail home=${place.dir}/mail/%u
}
service lmtp {
  inet_listener lmtp {
    port = ${place.port('lmtp')}
  }
}
${settings}
`
}

/** A real Dovecot that delivers into Maildirs: everybody at any domain is known. Port `lmtp`. */
export function startDovecotDelivery(): Promise<Started> {
  return startDovecot(
    (place) => `protocols = lmtp
hostname = backend.test
login_greeting = ready.
login_trusted_networks = 127.0.0.0/8
first_valid_uid = 1
postmaster_address = postmaster@backend.test
mail_location = maildir:${mailDir(place)}/%u
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${place.dir}/mail/%u allow_all_users=yes
}
service lmtp {
  inet_listener lmtp {
    port = ${place.port('lmtp')}
  }
}
`,
  )
}

function mailDir({ dir }: Place): string {
  const path = join(dir, 'mail')
  mkdirSync(path, { recursive: true })
  chmodSync(path, 0o1777)
  return path
}

function file({ dir }: Place, name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  chmodSync(path, 0o644)
  return path
}
