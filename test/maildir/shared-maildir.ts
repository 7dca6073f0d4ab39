import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imapListeners, startDovecot } from '../peers/dovecot.ts'
import type { Started } from '../peers/started.ts'

/** A Dovecot with one user, joe, and where his Maildir is. */
export interface SharedMaildir {
  readonly dovecot: Started
  readonly port: number
  readonly root: string
}

/** Starts a Dovecot whose mail we work on, too. `keys`: what follows the path in `mail_location`, `:LAYOUT=fs`. */
export async function startSharedMaildir(keys: (mail: string) => string = () => ''): Promise<SharedMaildir> {
  const dovecot = await startDovecot(({ dir, port }) => {
    const mail = join(dir, 'mail')
    mkdirSync(mail)
    chmodSync(mail, 0o1777)
    const users = join(dir, 'users')
    writeFileSync(users, 'joe:{PLAIN}secret\n')
    chmodSync(users, 0o644)
    return `protocols = imap
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${mail}/%u${keys(mail)}
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = ${users}
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${mail}/%u
}
${imapListeners(port)}
`
  })
  return { dovecot, port: dovecot.ports['imap'] ?? 0, root: join(dovecot.dir, 'mail', 'joe') }
}
