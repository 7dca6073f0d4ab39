import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConfigText, Place } from '../peers/config-text.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { launch, type Started } from '../peers/started.ts'
import { ServerProcess } from '../support/server-process.ts'

const SERVER = join(dirname(fileURLToPath(import.meta.url)), 'postern-server.ts')

/** Starts Postern's LMTP with this configuration, logging to us. */
export function startPosternLmtp(config: ConfigText): Promise<Started> {
  return launch({
    name: 'postern-lmtp',
    config: (place) => `log_path = /dev/stderr\nlisten = 127.0.0.1\nssl = no\n${config(place)}\n`,
    start(text, dir) {
      const file = join(dir, 'dovecot.conf')
      writeFileSync(file, text)
      return new ServerProcess({ command: process.execPath, args: [SERVER, file] })
    },
    ready: (server) => server.waitForLine(/^ready$/),
  })
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
