import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DevBackend } from './dovecot-backend.ts'
import { freePort } from './free-port.ts'
import { type MailFileOwner, mailOwner, writeSampleMail } from './sample-mail.ts'
import { type BackendPorts, SAMPLE_PASSWORD } from './users.ts'

const READY_MS = 20_000
const PROTOCOLS = ['imap', 'pop3', 'lmtp'] as const

/** Starts another Postern that keeps `user`'s mail, in a Maildir of its own, and serves it by IMAP, POP3 and LMTP. */
export async function startOwnBackend(directory: string, host: string, user: string): Promise<DevBackend> {
  const owner = mailOwner()
  mkdirSync(join(directory, 'mail'), { recursive: true })
  for (const path of [directory, join(directory, 'mail')]) chmodSync(path, 0o755)
  writeSampleMail(join(directory, 'mail', user), user, owner)
  const ports: Record<string, number> = {}
  for (const name of PROTOCOLS) ports[name] = await freePort(host)
  const config = join(directory, 'dovecot.conf')
  writeFileSync(config, configText(directory, host, ports, owner))
  const postern = fileURLToPath(new URL('../../../bin/postern.js', import.meta.url))
  const child = spawn(process.execPath, [postern, 'serve', '-c', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  await ready(child)
  return {
    host,
    ports,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Resolves when it accepts connections; rejects when it ends first or takes too long. */
async function ready(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = setTimeout(() => reject(new Error('the sample backend did not start in time')), READY_MS)
  child.once('error', reject)
  child.once('exit', (code) => reject(new Error(`the sample backend did not start (exit status ${code ?? 0})`)))
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('postern ready: ')) resolve()
    })
  }
  try {
    await promise
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(late)
  }
}

function configText(directory: string, host: string, ports: BackendPorts, owner: MailFileOwner): string {
  return `# A Postern that keeps mail itself; Dovecot 2.3 reads this file as well, and the Maildir.
protocols = ${PROTOCOLS.join(' ')}
listen = ${host}
base_dir = ${directory}/run
log_path = ${directory}/postern.log
postern_workers = 1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:${directory}/mail/%u
mail_uid = ${owner.uid}
mail_gid = ${owner.gid}
first_valid_uid = 1
login_greeting = Backend ${directory.split('/').at(-1)} ready.
# The proxy may say who the client really is.
login_trusted_networks = 127.0.0.0/8
namespace inbox {
  inbox = yes
  mailbox Drafts {
    auto = subscribe
    special_use = \\Drafts
  }
  mailbox Sent {
    auto = subscribe
    special_use = \\Sent
  }
  mailbox Trash {
    auto = subscribe
    special_use = \\Trash
  }
}
service imap-login {
  inet_listener imap {
    port = ${ports['imap']}
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${ports['pop3']}
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${ports['lmtp']}
  }
}
passdb {
  driver = static
  args = password=${SAMPLE_PASSWORD}
}
userdb {
  driver = static
  args = home=${directory}/mail/%u
}
`
}
