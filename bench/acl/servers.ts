import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { copyMaildir } from '../mail/maildir.ts'
import { greets, type MailServerName, OWNER } from '../mail/servers.ts'
import { freePorts } from '../ports.ts'
import { launch } from '../processes.ts'
import { sharerName, type World, writeWorld } from './world.ts'

/** A server with its own copy of the mail. */
export interface AclServer {
  readonly name: MailServerName
  readonly hasAcl: boolean
  readonly imap: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

export interface AclSite {
  readonly name: MailServerName
  readonly home: string
  readonly world: World
}

/** Writes the mail of one server; `template` is joe's INBOX. */
export function prepareSite({ home, world }: AclSite, template: string): void {
  const mail = join(home, 'mail')
  mkdirSync(mail, { recursive: true })
  for (const path of [home, mail]) chmodSync(path, 0o777)
  writeWorld(mail, world)
  copyMaildir(template, join(mail, 'joe/Maildir'), OWNER)
  chownSync(mail, OWNER.uid, OWNER.gid)
  const users = ['joe', ...Array.from({ length: world.sharers }, (_, number) => sharerName(number))]
  const rows = [...users.map((user) => `${user}:{PLAIN}pw::::::`), 'jane:{PLAIN}pw::::::userdb_acl_groups=team']
  writeFileSync(join(home, 'users'), `${rows.join('\n')}\n`)
}

/** Starts a server on its mail, with the plugin or without. */
export async function startAclServer(root: string, { name, home }: AclSite, hasAcl: boolean): Promise<AclServer> {
  const [imap = 0] = await freePorts(1)
  const label = hasAcl ? 'acl' : 'plain'
  const config = join(home, `${label}.conf`)
  writeFileSync(config, configText(home, label, imap, hasAcl))
  const output = { file: join(home, `${label}.log`) }
  const own =
    name === 'dovecot'
      ? await launch('/usr/sbin/dovecot', ['-F', '-c', config], { output })
      : await launch(process.execPath, [join(root, 'bin', 'postern.js'), 'serve', '-c', config], { output })
  await greets(own, imap, output.file)
  return { name, hasAcl, imap, pid: own.pid, stop: own.stop }
}

/** One text for both. */
function configText(home: string, label: string, imap: number, hasAcl: boolean): string {
  const plugins = hasAcl ? 'mail_plugins = acl\nprotocol imap {\n  mail_plugins = acl imap_acl\n}\n' : ''
  return `protocols = imap
listen = 127.0.0.1
base_dir = ${home}/run-${label}
state_dir = ${home}/run-${label}
log_path = ${home}/${label}-mail.log
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_uid = ${OWNER.uid}
mail_gid = ${OWNER.gid}
mail_location = maildir:~/Maildir
mail_max_userip_connections = 0
auth_failure_delay = 0
${plugins}namespace inbox {
  type = private
  separator = /
  inbox = yes
}
namespace shared {
  type = shared
  separator = /
  prefix = shared/%%u/
  location = maildir:${home}/mail/%%u/Maildir:INDEXPVT=~/Maildir/shared/%%u
  subscriptions = no
  list = children
}
plugin {
  acl = vfile
  acl_shared_dict = file:${home}/mail/shared-mailboxes.db
}
service imap-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener auth-userdb {
    mode = 0777
  }
}
passdb {
  driver = passwd-file
  args = ${home}/users
}
userdb {
  driver = passwd-file
  args = ${home}/users
  override_fields = home=${home}/mail/%u
}
`
}
