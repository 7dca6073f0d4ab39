import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from '../peers/config-text.ts'
import { imapListeners } from '../peers/dovecot.ts'
import { giveToMail, makeMaildir } from './acl-config.ts'

/** Everybody's password is `pw`. The mail of joe and bob is on one backend, that of jane and alice on the other. */
export const CLUSTER_USERS = ['joe', 'bob', 'jane', 'alice'] as const

/** What backends tell each other with, and whom to tell it to. */
export const IMAPC_SECRET = 'imapc-secret'

export interface BackendOptions {
  /** `acl_shared_dict`: one file for all backends. */
  readonly dict: string
  /** The location of shared mail; `%%n` is the owner. */
  readonly location?: string
  /** More fields of a user: `proxy_maybe=y host=...`. */
  readonly fields?: (user: string) => string
  /** More of what the userdb says of everybody. */
  readonly override?: string
  /** Whatever else: `imapc_*`. */
  readonly more?: string
}

/** A backend for Dovecot and for Postern: private mail with ACLs, shared mail, and master logins of other backends. */
export function backendConfig({ dir, port }: Place, options: BackendOptions): string {
  const { dict, location = `maildir:${dir}/mail/%%n/Maildir`, fields = () => '', override = '', more = '' } = options
  for (const user of CLUSTER_USERS) makeMaildir(join(dir, 'mail', user, 'Maildir'))
  giveToMail(join(dir, 'mail'))
  const users = join(dir, 'users')
  writeFileSync(users, CLUSTER_USERS.map((user) => `${user}:{PLAIN}pw:::::: ${fields(user)}\n`).join(''))
  chmodSync(users, 0o644)
  return `protocols = imap
auth_master_user_separator = *
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_plugins = acl quota
namespace inbox {
  type = private
  separator = /
  prefix =
  inbox = yes
}
namespace shared {
  type = shared
  separator = /
  prefix = shared/%%u/
  subscriptions = no
  list = children
  location = ${location}
}
plugin {
  acl = vfile:cache_secs=0
  acl_shared_dict = file:${dict}
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=100M
}
protocol imap {
  mail_plugins = acl quota imap_acl imap_quota
}
passdb {
  driver = static
  master = yes
  args = password=${IMAPC_SECRET} userdb_namespace/shared/disabled=yes
}
passdb {
  driver = passwd-file
  args = ${users}
}
userdb {
  driver = passwd-file
  args = ${users}
  override_fields = uid=mail gid=mail home=${dir}/mail/%n ${override}
}
service auth {
  unix_listener auth-userdb {
    mode = 0777
  }
}
service imap {
  process_min_avail = 1
}
${more}
${imapListeners(port)}
`
}

/** What the documentation of 2.3 has in the userdb: who asks is the master user at the other server. */
export const IMAPC_MASTER = 'imapc_master_user=%u'

/** The documented way of 2.3. The owner, whom the mail belongs to, is who is logged in as. */
export function imapcSettings(host: string, port: number): string {
  return `imapc_host = ${host}
imapc_port = ${port}
imapc_password = ${IMAPC_SECRET}
imapc_features = rfc822.size fetch-headers search modseq acl
`
}

/** A place for what all backends share, writable by the owner of the mail. */
export function sharedDict(dir: string): string {
  mkdirSync(join(dir, 'dict'), { recursive: true })
  giveToMail(join(dir, 'dict'))
  chownSync(join(dir, 'dict'), 8, 8)
  return join(dir, 'dict', 'shared-mailboxes.db')
}

/** Who sends users to backends, as their passdb says: everything goes through it, also what backends ask each other, as master users. */
export function proxyConfig({ dir, port }: Place, backendOf: (user: string) => number): string {
  const file = join(dir, 'users')
  const row = (user: string): string => `${user}:::::::proxy host=127.0.0.1 port=${backendOf(user)} nopassword\n`
  writeFileSync(file, CLUSTER_USERS.map(row).join(''))
  chmodSync(file, 0o644)
  return `protocols = imap
disable_plaintext_auth = no
login_trusted_networks = 127.0.0.0/8
passdb {
  driver = static
  master = yes
  pass = yes
  args = password=${IMAPC_SECRET}
}
passdb {
  driver = passwd-file
  args = ${file}
}
${imapListeners(port)}`
}
