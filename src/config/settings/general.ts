import { boolean, directory, duration, ignored, list, size, string, uint } from '../setting.ts'

const NO_HELPERS = 'Postern starts no helper programs'
const ONE_USER = 'all of Postern runs as the user that started it'

/** What runs, where it listens, and how far it may grow. */
export const generalSettings = {
  protocols: list('', 'Protocols to serve: imap, pop3, lmtp, submission, sieve. Empty or `none` serves nothing.', ' '),
  listen: list('*, ::', 'Where listeners without their own `address` bind. `*` is all of IPv4, `::` all of IPv6.'),
  base_dir: directory('/run/dovecot', 'Directory of runtime files; relative socket paths hang off it.'),
  instance_name: string('dovecot', 'Name of this server among several on one machine, for logs.'),
  shutdown_clients: boolean('yes', 'Whether sessions end together with the server.'),
  default_client_limit: uint('1000', 'Connections a process of a service takes unless the service says otherwise.'),
  default_process_limit: uint('100', 'Processes a service may have unless the service says otherwise.'),
  state_dir: string('/var/lib/dovecot', 'Directory of lasting state: who was revoked.'),
  import_environment: ignored(
    NO_HELPERS,
    string('TZ CORE_OUTOFMEM CORE_ERROR LISTEN_PID LISTEN_FDS NOTIFY_SOCKET', 'Environment variables handed on.'),
  ),
  libexec_dir: ignored(NO_HELPERS, string('/usr/lib/dovecot', 'Directory of helper programs.')),
  default_idle_kill: ignored(NO_HELPERS, duration('1 mins', 'How long an idle process is kept.')),
  default_vsz_limit: ignored(
    'memory is bounded by limits on connections and buffers',
    size('256 M', 'Memory limit of a process.'),
  ),
  default_internal_user: ignored(ONE_USER, string('dovecot', 'User of internal processes.')),
  default_internal_group: ignored(ONE_USER, string('dovecot', 'Group of internal processes.')),
  default_login_user: ignored(ONE_USER, string('dovenull', 'User of login processes.')),
  config_cache_size: ignored('the configuration is read once', size('1 M', 'Memory of the config process.')),
  version_ignore: ignored('all parts have one version', boolean('no', 'Do not compare the versions of processes.')),
  verbose_proctitle: ignored('a process serves many sessions', boolean('no', 'Show user and address in `ps`.')),
  dict_db_config: ignored('Berkeley DB is not supported', string('', 'Configuration file of Berkeley DB.')),
  process_shutdown_filter: ignored('processes do not end on events', string('', 'Event filter that ends a process.')),
  rawlog_dir: ignored('use login_proxy_rawlog_dir', string('', 'Directory of protocol transcripts.')),
} as const

/** What is written to the log, where, and in which form. */
export const logSettings = {
  log_path: string('syslog', '`syslog`, `/dev/stderr`, `/dev/stdout` or a file.'),
  info_log_path: string('', 'Where informational lines go; empty is the same as `log_path`.'),
  debug_log_path: string('', 'Where debug lines go; empty is the same as `info_log_path`.'),
  syslog_facility: string('mail', 'Facility of lines sent to syslog.'),
  log_timestamp: string('%b %d %H:%M:%S ', 'Time in front of a line of a log file, as for strftime.'),
  log_debug: ignored(
    'auth_debug, mail_debug and verbose_ssl say what is logged',
    string('', 'Event filter: which events are logged at debug level.'),
  ),
  log_core_filter: ignored('no core dumps are made on events', string('', 'Event filter that makes a core dump.')),
  login_log_format: string('%$: %s', 'A line of the login service: %$ is the message, %s the joined elements.'),
  login_log_format_elements: string(
    'user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>',
    'What a login line tells, separated by blanks; an element whose variables are all empty is left out.',
  ),
  deliver_log_format: string('msgid=%m: %$', 'A line about a delivery.'),
  mail_log_prefix: string('%s(%u)<%{pid}><%{session}>: ', 'Start of lines about a logged-in user.'),
} as const
