import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstExisting, type Peer, type Site } from './peer.ts'

/** HAProxy passing TCP through, without a word of mail and without a log: as fast as a proxy in user space gets. */

function haproxyConf(site: Site): string {
  return `global
  nbthread ${site.workers}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend plain
  bind 127.0.0.1:${site.ports.plain}
  default_backend mail
frontend tls
  bind 127.0.0.1:${site.ports.tls} ssl crt ${site.certificate.bothFile}
  default_backend mail
backend mail
  server mail 127.0.0.1:${site.backend[site.protocol]}
`
}

export const haproxy: Peer = {
  name: 'haproxy',
  title: 'HAProxy (TCP)',
  protocols: ['imap', 'pop3', 'lmtp'],
  processPerSession: false,
  find: () => firstExisting('/usr/sbin/haproxy', '/usr/local/sbin/haproxy'),
  versionArgs: ['-v'],
  prepare: (program, site) => {
    const file = join(site.directory, 'haproxy.cfg')
    writeFileSync(file, haproxyConf(site))
    return [{ program, args: ['-db', '-f', file] }]
  },
}
