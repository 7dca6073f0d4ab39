import { join } from 'node:path'
import { firstExisting, type Peer } from './peer.ts'
import { writeDovecotConf } from './dovecot.ts'

/** Postern from a checkout, with the very configuration that Dovecot's high-performance mode gets. */
export function postern(root: string): Peer {
  const program = join(root, 'bin', 'postern.js')
  return {
    name: 'postern',
    title: 'Postern',
    protocols: ['imap', 'pop3', 'lmtp'],
    processPerSession: false,
    find: () => firstExisting(program),
    versionArgs: ['--version'],
    prepare: (found, site) => [
      { program: process.execPath, args: [found, 'serve', '-c', writeDovecotConf(site, 'hp')], cwd: root },
    ],
  }
}
