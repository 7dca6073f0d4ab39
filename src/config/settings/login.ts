import { boolean, duration, durationMs, ignored, list, string, uint } from '../setting.ts'

/** A stranger's connection until it is logged in, and the way to a backend. */
export const loginSettings = {
  login_greeting: string('Dovecot (Debian) ready.', 'First words to a client. May hold %l %r %p %s and %{local_name}.'),
  disable_plaintext_auth: boolean('yes', 'Refuse passwords in clear on connections without TLS.'),
  login_trusted_networks: list('', 'Networks whose clients may tell the real client address and need no TLS.'),
  login_access_sockets: ignored(
    'addresses are restricted by allow_nets or a firewall',
    list('', 'Services that are asked whether a connection may stay.', ' '),
  ),
  login_source_ips: list('', 'Local addresses of connections to backends; a leading `?` keeps those this host has.'),
  login_proxy_timeout: durationMs('30 secs', 'Give up connecting and logging in to a backend after this long.'),
  login_proxy_max_reconnects: uint('3', 'Further tries, one a second, when a backend does not answer.'),
  login_proxy_max_disconnect_delay: duration('0', 'Spread disconnects of clients of a dead backend over this time.'),
  login_proxy_rawlog_dir: string(
    '',
    'Directory of transcripts of proxied sessions, passwords included; relative to `login` in base_dir.',
  ),
  mail_max_userip_connections: uint('10', 'Sessions of one user from one address in one protocol; 0 is unlimited.'),
  haproxy_trusted_networks: list('', 'Networks whose PROXY headers are believed on listeners with `haproxy = yes`.'),
  haproxy_timeout: duration('3 secs', 'How long to wait for a PROXY header.'),
  login_proxy_notify_path: string(
    'proxy-notify',
    'FIFO that is told the names of connected users whose passdb says `proxy_refresh`.',
  ),
  login_plugins: ignored('Dovecot plugins cannot be loaded', string('', 'Plugins of login processes.')),
  login_plugin_dir: ignored(
    'Dovecot plugins cannot be loaded',
    string('/usr/lib/dovecot/modules/login', 'Directory of login plugins.'),
  ),
} as const
