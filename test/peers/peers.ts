import { existsSync } from 'node:fs'
import type { LoginProtocol } from './dovecot.ts'

/** Other servers that the tests start, each on loopback with its own directory and ports. */
export type Peer =
  | 'dovecot'
  | 'dovecot-imapd'
  | 'dovecot-pop3d'
  | 'dovecot-submissiond'
  | 'dovecot-managesieved'
  | 'nginx'
  | 'perdition'
  | 'haproxy'
  | 'openssl'
  | 'cyrus'
  | 'postfix'
  | 'fetchmail'
  | 'getmail'
  | 'swaks'
  | 'sieve-connect'
  | 'curl'
  | 'mbsync'
  | 'offlineimap'
  | 'mutt'
  | 'roundcube'
  | 'roundcube-acl'
  | 'chromium'
  | 'thunderbird'

/** What must be there for each, and the Debian package that brings it. */
const NEEDS: Readonly<
  Record<Peer, { readonly files: readonly string[]; readonly packages: string; readonly root: boolean }>
> = {
  dovecot: { files: ['/usr/sbin/dovecot', '/usr/lib/dovecot/imap-login'], packages: 'dovecot-imapd', root: true },
  'dovecot-imapd': { files: ['/usr/sbin/dovecot', '/usr/lib/dovecot/imap'], packages: 'dovecot-imapd', root: true },
  'dovecot-pop3d': { files: ['/usr/sbin/dovecot', '/usr/lib/dovecot/pop3'], packages: 'dovecot-pop3d', root: true },
  'dovecot-submissiond': {
    files: ['/usr/sbin/dovecot', '/usr/lib/dovecot/submission'],
    packages: 'dovecot-submissiond',
    root: true,
  },
  'dovecot-managesieved': {
    files: ['/usr/sbin/dovecot', '/usr/lib/dovecot/managesieve'],
    packages: 'dovecot-managesieved',
    root: true,
  },
  nginx: {
    files: ['/usr/sbin/nginx', '/usr/lib/nginx/modules/ngx_mail_module.so'],
    packages: 'nginx libnginx-mod-mail',
    root: false,
  },
  perdition: { files: ['/usr/sbin/perdition'], packages: 'perdition', root: false },
  haproxy: { files: ['/usr/sbin/haproxy'], packages: 'haproxy', root: false },
  openssl: { files: ['/usr/bin/openssl'], packages: 'openssl', root: false },
  cyrus: {
    files: ['/var/cache/postern-peers/cyrus/usr/lib/cyrus/bin/pop3d', '/usr/sbin/saslpasswd2'],
    packages: 'sasl2-bin; Cyrus itself: npm run peers:install',
    root: true,
  },
  postfix: { files: ['/usr/sbin/postfix', '/usr/lib/postfix/sbin/master'], packages: 'postfix', root: true },
  fetchmail: { files: ['/usr/bin/fetchmail'], packages: 'fetchmail', root: false },
  getmail: { files: ['/usr/bin/getmail'], packages: 'getmail6', root: false },
  swaks: { files: ['/usr/bin/swaks'], packages: 'swaks', root: false },
  'sieve-connect': { files: ['/usr/bin/sieve-connect'], packages: 'sieve-connect', root: false },
  curl: { files: ['/usr/bin/curl'], packages: 'curl', root: false },
  mbsync: { files: ['/usr/bin/mbsync'], packages: 'isync', root: false },
  offlineimap: { files: ['/usr/bin/offlineimap'], packages: 'offlineimap3', root: false },
  mutt: { files: ['/usr/bin/mutt', '/usr/bin/script'], packages: 'mutt', root: false },
  roundcube: {
    files: ['/var/lib/roundcube/index.php', '/usr/share/roundcube/SQL/sqlite.initial.sql', '/usr/bin/php'],
    packages: 'roundcube-core roundcube-sqlite3 php-cli',
    root: true,
  },
  'roundcube-acl': { files: ['/var/lib/roundcube/plugins/acl/acl.php'], packages: 'roundcube-plugins', root: true },
  chromium: { files: ['/usr/bin/chromium'], packages: 'chromium', root: false },
  thunderbird: { files: ['/usr/bin/thunderbird'], packages: 'thunderbird', root: false },
}

/** For node:test's `skip`: false when the peer can be started here, else the reason why not. */
export function skipWithout(peer: Peer): false | string {
  const { files, packages, root } = NEEDS[peer]
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined)
    return `${peer} is not installed (${missing} is missing; Debian: apt-get install ${packages})`
  if (root && process.getuid?.() !== 0) return `${peer} needs root here, to switch to the users of its package`
  return false
}

/** The Dovecot that serves a protocol. */
export function dovecotFor(protocol: LoginProtocol): Peer {
  return DOVECOTS[protocol]
}

const DOVECOTS = {
  imap: 'dovecot-imapd',
  pop3: 'dovecot-pop3d',
  submission: 'dovecot-submissiond',
  sieve: 'dovecot-managesieved',
} as const satisfies Record<LoginProtocol, Peer>

/** Whether the peer can be started here. */
export function available(peer: Peer): boolean {
  return skipWithout(peer) === false
}
