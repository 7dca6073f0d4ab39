import { join } from 'node:path'
import { firstExisting, type Command, type Peer, type Site } from './peer.ts'

/** Perdition: a process for every connection, and one daemon for plain text and another for TLS. */

function command(program: string, site: Site, tls: boolean): Command {
  const options = {
    protocol: `${site.protocol === 'imap' ? 'IMAP4' : 'POP3'}${tls ? 'S' : ''}`,
    bind_address: `127.0.0.1:${tls ? site.ports.tls : site.ports.plain}`,
    outgoing_server: `127.0.0.1:${site.backend[site.protocol]}`,
    map_library: '',
    log_facility: join(site.directory, 'mail.log'),
    pid_file: '',
    ...(tls ? tlsOptions(site) : {}),
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  return { program, args: ['--no_daemon', '--no_lookup', '--no_bind_banner', ...args] }
}

/** By itself it would speak TLS to the backend too. */
function tlsOptions({ certificate }: Site): Record<string, string> {
  return { ssl_mode: 'ssl_listen', ssl_cert_file: certificate.certFile, ssl_key_file: certificate.keyFile }
}

export const perdition: Peer = {
  name: 'perdition',
  title: 'Perdition',
  protocols: ['imap', 'pop3'],
  processPerSession: true,
  find: () => firstExisting('/usr/sbin/perdition', '/usr/local/sbin/perdition'),
  versionArgs: ['--help'],
  prepare: (program, site) => [command(program, site, false), command(program, site, true)],
}
