import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imapListeners, startDovecot } from '../peers/dovecot.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'

/** Users of the ACL tests and their groups. Everybody's password is `pw`; the master user is admin. */
export const ACL_USERS: Readonly<Record<string, readonly string[]>> = {
  olga: [],
  bob: ['staff'],
  carol: ['staff', 'tempdisabled'],
  multi: ['g1', 'g2'],
  dave: [],
}

/** The user and group `mail` of Debian. */
const MAIL_ID = 8

/** A Dovecot with the acl plugin: private, shared and public mail below `mail/`, global entries in `acls/`. */
export function startAclDovecot(prepare: (dir: string) => void = () => undefined): Promise<Started> {
  return startDovecot(({ dir, port }) => {
    const file = (name: string, text: string): string => {
      const path = join(dir, name)
      writeFileSync(path, text)
      chmodSync(path, 0o644)
      return path
    }
    mkdirSync(join(dir, 'acls'))
    mkdirSync(join(dir, 'mail/pub'), { recursive: true })
    for (const user of Object.keys(ACL_USERS)) mkdirSync(join(dir, 'mail', user, 'Maildir'), { recursive: true })
    prepare(dir)
    giveToMail(join(dir, 'mail'))
    const users = Object.entries(ACL_USERS).map(
      ([user, groups]) =>
        `${user}:{PLAIN}pw:::::: ${groups.length > 0 ? `userdb_acl_groups=${groups.join(',')}` : ''}\n`,
    )
    return `protocols = imap
auth_master_user_separator = *
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_plugins = acl
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
  location = maildir:${dir}/mail/%%n/Maildir:INDEXPVT=~/Maildir/shared/%%u
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  subscriptions = no
  list = children
  location = maildir:${dir}/mail/pub:INDEXPVT=~/Maildir/public-pvt
}
plugin {
  acl = vfile:${dir}/acls:cache_secs=0
  acl_shared_dict = file:${dir}/mail/shared-mailboxes.db
}
protocol imap {
  mail_plugins = acl imap_acl
}
passdb {
  driver = passwd-file
  master = yes
  args = ${file('masters', 'admin:{PLAIN}mpw\n')}
}
passdb {
  driver = passwd-file
  args = ${file('users', users.join(''))}
}
userdb {
  driver = passwd-file
  args = ${join(dir, 'users')}
  override_fields = uid=mail gid=mail home=${dir}/mail/%n
}
service auth {
  unix_listener auth-userdb {
    mode = 0777
  }
}
service imap {
  process_min_avail = 1
}
${imapListeners(port)}
`
  })
}

/** Directories of a mailbox, as Dovecot makes them. */
export function makeMaildir(path: string): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true })
}

/** Mail belongs to the user `mail`. */
export function giveToMail(path: string): void {
  chownSync(path, MAIL_ID, MAIL_ID)
  if (!statSync(path).isDirectory()) return
  for (const name of readdirSync(path)) giveToMail(join(path, name))
}

/** The untagged and tagged lines of one command. */
export interface ImapAnswer {
  readonly untagged: readonly string[]
  /** Without the tag, timing suffix and final full stop. */
  readonly tagged: string
}

export interface AclSession {
  /** Sends all commands at once; answers in order. */
  run(commands: readonly string[]): Promise<readonly ImapAnswer[]>
  logout(): Promise<void>
}

/** Logs in as `user`; a master login is `olga*admin` with its own password. */
export async function loginImap(server: Started, user: string, password = 'pw'): Promise<AclSession> {
  const wire = await connectRaw({ port: server.ports['imap'] ?? 0, name: user })
  await wire.expect(/^\* OK /)
  wire.send(`l LOGIN ${user} ${password}`)
  await wire.expect(/^l OK /)
  return {
    async run(commands) {
      wire.send(...commands.map((command, at) => `t${at} ${command}`))
      const answers: ImapAnswer[] = []
      for (let at = 0; at < commands.length; at += 1) {
        const untagged: string[] = []
        for (;;) {
          const line = await wire.line()
          if (line.startsWith(`t${at} `)) {
            answers.push({ untagged, tagged: plain(line.slice(`t${at} `.length)) })
            break
          }
          untagged.push(line)
        }
      }
      return answers
    },
    async logout() {
      wire.send('x LOGOUT')
      await wire.expect(/^\* BYE /)
    },
  }
}

/** A reply without what changes from run to run. */
export function plain(line: string): string {
  return line
    .replace(/ \(\d+\.\d+ \+ [^()]* secs\)\.?$/, '')
    .replace(/ \[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]$/, '')
    .replace(/\.$/, '')
}
