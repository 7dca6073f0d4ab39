import { join } from 'node:path'
import { firstExisting, type Peer } from './peer.ts'
import { writeDovecotConf } from './dovecot.ts'

/**
 * Postern from a checkout, with the very configuration that Dovecot's high-performance mode gets. As that is not Dovecot's
 * default, `postern_bare_sockets` and `postern_practice` are not Postern's: the two are compared with each other, and stand beside
 * their defaults.
 */
export function postern(root: string): Peer {
  return fromCheckout(root, 'postern', 'Postern (tuned)', [
    '-o',
    'postern_bare_sockets=yes',
    '-o',
    'postern_practice=5s',
  ])
}

/** The same without any setting of its own. */
export function posternDefault(root: string): Peer {
  return fromCheckout(root, 'postern_default', 'Postern (default)', [])
}

function fromCheckout(
  root: string,
  name: 'postern' | 'postern_default',
  title: string,
  options: readonly string[],
): Peer {
  const program = join(root, 'bin', 'postern.js')
  return {
    name,
    title,
    protocols: ['imap', 'pop3', 'lmtp'],
    processPerSession: false,
    find: () => firstExisting(program),
    versionArgs: ['--version'],
    prepare: (found, site) => [
      { program: process.execPath, args: [found, 'serve', '-c', writeDovecotConf(site, 'hp'), ...options], cwd: root },
    ],
  }
}
