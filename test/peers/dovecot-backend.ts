import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from './config-text.ts'
import { loginListeners, startDovecot, type LoginProtocol } from './dovecot.ts'
import { available, dovecotFor } from './peers.ts'
import type { Started } from './started.ts'

/** Sample users of the backend, as passwd-file rows. */
const USERS = `joe:{PLAIN}secret
jane:{PLAIN}"qu\\ote
alice@example.org:{PLAIN}postern
bob@example.org:{PLAIN}postern
closed:{PLAIN}secret:::::: nologin reason=Moved
`

const PROTOCOLS: readonly LoginProtocol[] = ['imap', 'pop3', 'submission', 'sieve']

/** Who may log in as anybody else, by authorization id or as `user*admin`. */
const MASTERS = 'admin:{PLAIN}adminsecret\n'

/**
 * A Dovecot that serves real mail on Maildirs of its own, and trusts whoever forwards identities from this machine. Users
 * joe (secret), alice@example.org and bob@example.org (postern); master user admin (adminsecret). It speaks every protocol
 * whose package is installed.
 */
export function startDovecotBackend(settings: string | ((place: Place) => string) = ''): Promise<Started> {
  return startDovecot((place) => {
    const { dir, port } = place
    const file = (name: string, text: string): string => {
      const path = join(dir, name)
      writeFileSync(path, text)
      chmodSync(path, 0o644)
      return path
    }
    const mail = join(dir, 'mail')
    mkdirSync(mail)
    chmodSync(mail, 0o1777)
    const protocols = PROTOCOLS.filter((protocol) => available(dovecotFor(protocol)))
    return `protocols = ${protocols.join(' ')}
login_greeting = backend ready.
login_trusted_networks = 127.0.0.0/8
auth_mechanisms = plain login
auth_master_user_separator = *
auth_verbose = yes
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${mail}/%u
passdb {
  driver = passwd-file
  master = yes
  args = ${file('masters', MASTERS)}
}
passdb {
  driver = passwd-file
  args = ${file('users', USERS)}
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${mail}/%u
}
${protocols.map((protocol) => loginListeners(protocol, port)).join('')}
${typeof settings === 'string' ? settings : settings(place)}
`
  })
}
