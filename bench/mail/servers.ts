import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../ports.ts'
import { launch, type OwnProcess } from '../processes.ts'
import { copyMaildir } from './maildir.ts'
import { LineClient } from './lines.ts'

export type MailServerName = 'dovecot' | 'postern'

/** A running server with its own copy of the mailbox. */
export interface MailServer {
  readonly name: MailServerName
  readonly imap: number
  readonly lmtp: number
  readonly pid: number
  /** The Maildir of `joe`. */
  readonly mail: string
  readonly stop: () => Promise<void>
}

/** Debian's user `mail`: whoever measures is root, and root's mail nobody serves. */
export const OWNER = { uid: 8, gid: 8 }

const READY_MS = 60_000
const POLL_MS = 50

export interface MailServerOptions {
  /** Postern runs as the mail's owner, without workers that change to it: what the store costs by itself. */
  readonly asOwner: boolean
  /** `mail_fsync`. */
  readonly fsync: 'optimized' | 'never'
}

/** Starts a server whose user `joe` has the given mailbox. */
export async function startMailServer(
  name: MailServerName,
  root: string,
  directory: string,
  template: string,
  { asOwner, fsync }: MailServerOptions,
): Promise<MailServer> {
  const home = join(directory, fsync, name)
  mkdirSync(join(home, 'mail'), { recursive: true })
  for (const path of [join(directory, fsync), home, join(home, 'mail')]) chmodSync(path, 0o777)
  copyMaildir(template, join(home, 'mail', 'joe'), OWNER)
  const [imap = 0, lmtp = 0] = await freePorts(2)
  const config = join(home, 'dovecot.conf')
  writeFileSync(config, configText(home, imap, lmtp, fsync))
  const output = { file: join(home, 'output.log') }
  const own =
    name === 'dovecot'
      ? await launch('/usr/sbin/dovecot', ['-F', '-c', config], { output })
      : await launch(...posternCommand(root, config, asOwner), { output })
  await greets(own, imap, output.file)
  return { name, imap, lmtp, pid: own.pid, mail: join(home, 'mail', 'joe'), stop: own.stop }
}

function posternCommand(root: string, config: string, asOwner: boolean): [string, readonly string[]] {
  const command = [process.execPath, join(root, 'bin', 'postern.js'), 'serve', '-c', config] as const
  if (!asOwner) return [command[0], command.slice(1)]
  return ['setpriv', ['--reuid', `${OWNER.uid}`, '--regid', `${OWNER.gid}`, '--clear-groups', ...command]]
}

/** Waits until a server that was just started greets. */
export async function greets(own: OwnProcess, port: number, log: string): Promise<void> {
  for (const end = performance.now() + READY_MS; ; await delay(POLL_MS)) {
    try {
      ;(await LineClient.open(port)).close()
      return
    } catch (error) {
      if (performance.now() < end) continue
      await own.stop()
      throw new Error(`${log}: the server did not greet`, { cause: error })
    }
  }
}

/** One configuration for both: few processes that last, no limits that a bench would run into. */
function configText(home: string, imap: number, lmtp: number, fsync: string): string {
  return `protocols = imap lmtp
listen = 127.0.0.1
base_dir = ${home}/run
state_dir = ${home}/run
log_path = ${home}/mail.log
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_uid = ${OWNER.uid}
mail_gid = ${OWNER.gid}
mail_location = maildir:${home}/mail/%u
mail_fsync = ${fsync}
mail_max_userip_connections = 0
auth_failure_delay = 0
service imap-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 4000
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service imap {
  process_limit = 2000
}
service lmtp {
  inet_listener lmtp {
    port = ${lmtp}
  }
}
service anvil {
  client_limit = 5000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 5000
}
passdb {
  driver = static
  args = password=pw
}
userdb {
  driver = static
  args = home=${home}/mail/%u
}
`
}
