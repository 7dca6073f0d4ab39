import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeTempDir } from '../support/temp-dir.ts'
import type { Place } from './config-text.ts'
import { imapListeners, loginListeners, startDovecot } from './dovecot.ts'
import { startPostern } from './postern.ts'
import type { Started } from './started.ts'

const IS_ROOT = process.getuid?.() === 0
/** Accounts need not exist to own files. */
const UID = IS_ROOT ? 20_001 : (process.getuid?.() ?? 0)

export const PASSWORD = 'pw'

/** Homes with a Maildir each, which several servers may serve; they outlive all of them. */
export class MailHomes {
  readonly dir = makeTempDir('homes')
  readonly users: readonly string[]

  constructor(users: readonly string[]) {
    this.users = users
    for (const user of users) this.give(this.home(user), (path) => mkdirSync(path, { mode: 0o700 }))
  }

  home(user: string): string {
    return join(this.dir, user)
  }

  maildir(user: string): string {
    return join(this.home(user), 'Maildir')
  }

  /** Makes a file or a directory, and the owner of all mail its owner. */
  give(path: string, make: (path: string) => unknown): void {
    make(path)
    if (IS_ROOT) chownSync(path, UID, UID)
  }

  /** passdb and userdb of all users. */
  databases({ dir }: Place): string {
    const file = join(dir, 'users')
    const rows = this.users.map((user) => `${user}:{PLAIN}${PASSWORD}:${UID}:${UID}::${this.home(user)}\n`)
    writeFileSync(file, rows.join(''))
    chmodSync(file, 0o644)
    return `passdb {\n  driver = passwd-file\n  args = ${file}\n}\nuserdb {\n  driver = passwd-file\n  args = ${file}\n}\n`
  }
}

/** Starts `postern serve` with IMAP, POP3 and LMTP on these homes. `more` may change anything; `root` is another place to run it from. */
export function startLocalMail(homes: MailHomes, more = '', root?: string): Promise<Started> {
  return startPostern(
    (place) => `protocols = imap pop3 lmtp
${common(homes, place)}${imapListeners(place.port)}${loginListeners('pop3', place.port)}
service lmtp {
  inet_listener lmtp {
    port = ${place.port('lmtp')}
  }
}
${more}`,
    [],
    root,
  )
}

/** Starts a Dovecot with IMAP on the same homes. */
export function startDovecotOn(homes: MailHomes): Promise<Started> {
  return startDovecot((place) => `protocols = imap\n${common(homes, place)}${imapListeners(place.port)}`)
}

function common(homes: MailHomes, place: Place): string {
  return `disable_plaintext_auth = no
mail_location = maildir:~/Maildir
mail_max_userip_connections = 200
first_valid_uid = 1
namespace inbox {
  inbox = yes
}
${homes.databases(place)}`
}
