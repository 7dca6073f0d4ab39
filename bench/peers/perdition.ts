import { join } from 'node:path'
import { firstExisting, type Command, type Peer, type Site } from './peer.ts'

/** Perdition: a process for every connection, and one daemon for plain text and another for TLS. */

function command(program: string, site: Site, tls: boolean): Command {
  const protocol = `${site.protocol === 'imap' ? 'IMAP4' : 'POP3'}${tls ? 'S' : ''}`
  const port = tls ? site.ports.tls : site.ports.plain
  const args = [
    ...['--protocol', protocol, '--no_daemon', '--no_lookup', '--no_bind_banner'],
    ...['--bind_address', `127.0.0.1:${port}`, '--map_library', ''],
    ...['--outgoing_server', `127.0.0.1:${site.backend[site.protocol]}`],
    ...['--log_facility', join(site.directory, 'mail.log'), '--pid_file', ''],
    ...(tls ? ['--ssl_cert_file', site.certificate.certFile, '--ssl_key_file', site.certificate.keyFile] : []),
  ]
  return { program, args }
}

export const perdition: Peer = {
  name: 'perdition',
  title: 'Perdition',
  protocols: ['imap', 'pop3'],
  processPerSession: true,
  find: () => firstExisting('/usr/sbin/perdition', '/usr/local/sbin/perdition'),
  versionArgs: ['--version'],
  prepare: (program, site) => [command(program, site, false), command(program, site, true)],
}
