import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from '../peers/config-text.ts'
import { imapListeners } from '../peers/dovecot.ts'

/** Users of the ACL tests and their groups. Everybody's password is `pw`; the master user is admin, whose password is `mpw`. */
export const ACL_USERS: Readonly<Record<string, readonly string[]>> = {
  olga: [],
  bob: ['staff'],
  carol: ['staff', 'tempdisabled'],
  multi: ['g1', 'g2'],
  dave: [],
}

/** The user and group `mail` of Debian. */
const MAIL_ID = 8
const OF_MAIL = 'uid=mail gid=mail'

export interface AclConfigOptions {
  /** Users, mail, global entries and the shared dictionary are there once in each; without any users have no domain. */
  readonly domains?: Iterable<string>
  /** Users and their groups. */
  readonly users?: Readonly<Record<string, readonly string[]>>
  /** Rows for `plugin {}`. */
  readonly plugin?: string
  /** `uid=... gid=...` of all mail. */
  readonly owner?: string
  /** Puts mail and entries into the directory. */
  readonly prepare?: (dir: string) => void
  /** Whatever else. */
  readonly more?: string
}

/**
 * A configuration with the acl plugin, for Dovecot and for Postern: private, shared and public mail below `mail/`, global entries
 * in `acls/`. Makes the directories and writes the password files; the mail belongs to the user `mail`.
 */
export function aclConfig({ dir, port }: Place, options: AclConfigOptions = {}): string {
  const { domains = [''], users = ACL_USERS, plugin = '', owner = OF_MAIL, prepare, more = '' } = options
  const rows: string[] = []
  let level = ''
  for (const domain of domains) {
    level = domain === '' ? '' : '%d/'
    mkdirSync(join(dir, 'acls', domain), { recursive: true })
    mkdirSync(join(dir, 'mail/pub', domain), { recursive: true })
    for (const [user, groups] of Object.entries(users)) {
      mkdirSync(join(dir, 'mail', domain, user, 'Maildir'), { recursive: true })
      const extra = groups.length > 0 ? `userdb_acl_groups=${groups.join(',')}` : ''
      rows.push(`${user}${domain === '' ? '' : `@${domain}`}:{PLAIN}pw:::::: ${extra}\n`)
    }
  }
  prepare?.(dir)
  if (owner === OF_MAIL) giveToMail(join(dir, 'mail'))
  const file = readableFile(dir)
  const userFile = file('users', rows.join(''))
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
  location = maildir:${dir}/mail/${level.replace('%', '%%')}%%n/Maildir:INDEXPVT=~/Maildir/shared/%%u
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  subscriptions = no
  list = children
  location = maildir:${dir}/mail/pub/${level.slice(0, -1)}:INDEXPVT=~/Maildir/public-pvt
}
plugin {
  acl = vfile:${dir}/acls/${level.slice(0, -1)}:cache_secs=0
  acl_shared_dict = file:${dir}/mail/${level}shared-mailboxes.db
${plugin}}
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
  args = ${userFile}
}
userdb {
  driver = passwd-file
  args = ${userFile}
  override_fields = ${owner} home=${dir}/mail/${level}%n
}
service auth {
  unix_listener auth-userdb {
    mode = 0777
  }
}
${more}${imapListeners(port)}
`
}

function readableFile(dir: string): (name: string, text: string) => string {
  return (name, text) => {
    const path = join(dir, name)
    writeFileSync(path, text)
    chmodSync(path, 0o644)
    return path
  }
}

/** Directories of a mailbox, as Dovecot makes them. */
export function makeMaildir(path: string): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true })
}

/** Mail belongs to the user `mail`. */
export function giveToMail(path: string): void {
  try {
    // A link is given, not what it leads to.
    lchownSync(path, MAIL_ID, MAIL_ID)
  } catch (error) {
    // A file that a server needed for a moment.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw error
  }
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return
  for (const name of readdirSync(path)) giveToMail(join(path, name))
}
