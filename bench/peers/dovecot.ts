import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import { firstExisting, type Peer, type Site } from './peer.ts'

/** Dovecot 2.3 as a proxy, and the configuration text that it shares with Postern. */

/** `default` is one process a connection (`service_count = 1`); `hp` is what the manual calls high-performance mode. */
export type LoginMode = 'default' | 'hp'

function loginService(site: Site, mode: LoginMode): string {
  const { protocol, ports, workers } = site
  if (protocol === 'lmtp') {
    return `service lmtp {\n  process_min_avail = ${workers}\n  inet_listener lmtp {\n    port = ${ports.plain}\n  }\n}`
  }
  return `service ${protocol}-login {
  ${mode === 'hp' ? `service_count = 0\n  process_min_avail = ${workers}` : 'service_count = 1'}
  inet_listener ${protocol} {
    port = ${ports.plain}
  }
  inet_listener ${protocol}s {
    port = ${ports.tls}
    ssl = yes
  }
}`
}

/** A server that is not root cannot change to other users or directories: it stays who and where it is. */
function users(site: Site): string {
  if (process.getuid?.() === 0) return ''
  const user = userInfo().username
  const group = execFileSync('id', ['-gn'], { encoding: 'latin1' }).trim()
  const services = ['anvil', 'stats', ...(site.protocol === 'lmtp' ? ['lmtp'] : [`${site.protocol}-login`])]
  return `default_internal_user = ${user}
default_login_user = ${user}
default_internal_group = ${group}
${services.map((service) => `service ${service} {\n  chroot =\n  user = ${user}\n}`).join('\n')}
`
}

/** Everybody may in, with any password, and lives on the fake backend. A log line for each login, as by default. */
export function dovecotConf(site: Site, mode: LoginMode): string {
  return `base_dir = ${site.directory}/run
state_dir = ${site.directory}/state
log_path = ${site.directory}/mail.log
protocols = ${site.protocol}
listen = 127.0.0.1
${users(site)}disable_plaintext_auth = no
ssl = yes
ssl_cert = <${site.certificate.certFile}
ssl_key = <${site.certificate.keyFile}
default_process_limit = 2000
default_client_limit = 10000
default_vsz_limit = 4G
lmtp_proxy = yes
passdb {
  driver = static
  args = proxy=y host=127.0.0.1 port=${site.backend[site.protocol]} nopassword=y
}
${loginService(site, mode)}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`
}

/** Writes the configuration and returns its path. */
export function writeDovecotConf(site: Site, mode: LoginMode): string {
  const file = join(site.directory, 'dovecot.conf')
  writeFileSync(file, dovecotConf(site, mode))
  return file
}

function dovecot(mode: LoginMode): Peer {
  return {
    name: `dovecot_${mode}`,
    title: mode === 'hp' ? 'Dovecot (service_count = 0)' : 'Dovecot (default)',
    // The LMTP service has no such choice of mode: it is measured once.
    protocols: mode === 'hp' ? ['imap', 'pop3', 'lmtp'] : ['imap', 'pop3'],
    processPerSession: mode === 'default',
    find: () => firstExisting('/usr/sbin/dovecot', '/usr/local/sbin/dovecot'),
    versionArgs: ['--version'],
    prepare: (program, site) => [{ program, args: ['-F', '-c', writeDovecotConf(site, mode)] }],
  }
}

export const dovecotDefault = dovecot('default')
export const dovecotHp = dovecot('hp')
