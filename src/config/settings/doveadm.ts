import { duration, enumeration, ignored, port, secret, size, string, uint } from '../setting.ts'

const NO_DIRECTOR = 'the director ring is not supported'
const NO_REPLICATION = 'replication is not supported'
const OWN_STATS = 'see postern_metrics_listen'
const OWN_CONTROL = 'see postern_control_socket'

/** Administration by command. */
export const doveadmSettings = {
  doveadm_port: ignored(OWN_CONTROL, port('0', 'Port of doveadm on other servers.')),
  doveadm_password: ignored(OWN_CONTROL, secret('Password between doveadm and servers.')),
  doveadm_username: ignored(OWN_CONTROL, string('doveadm', 'User between doveadm and servers.')),
  doveadm_api_key: ignored(OWN_CONTROL, secret('Key of the HTTP API.')),
  doveadm_socket_path: ignored(OWN_CONTROL, string('doveadm-server', 'Socket of the doveadm server.')),
  doveadm_ssl: ignored(OWN_CONTROL, enumeration(['no', 'ssl', 'starttls'], 'TLS between doveadm and servers.')),
  doveadm_allowed_commands: ignored(OWN_CONTROL, string('', 'Commands that remote administrators may use.')),
  doveadm_worker_count: ignored(OWN_CONTROL, uint('0', 'Users handled at a time.')),
  doveadm_http_rawlog_dir: ignored(OWN_CONTROL, string('', 'Directory of transcripts.')),
} as const

/** The director ring. */
export const directorSettings = {
  director_servers: ignored(NO_DIRECTOR, string('', 'Members of the ring.')),
  director_mail_servers: ignored(NO_DIRECTOR, string('', 'Backends.')),
  director_user_expire: ignored(NO_DIRECTOR, duration('15 mins', 'How long a user stays on a backend.')),
  director_username_hash: ignored(NO_DIRECTOR, string('%Lu', 'What of a user name decides on the backend.')),
  director_user_kick_delay: ignored(NO_DIRECTOR, duration('2 secs', 'Pause between kicking and moving.')),
  director_flush_socket: ignored(NO_DIRECTOR, string('', 'Script to call when a user moves.')),
  director_max_parallel_kicks: ignored(NO_DIRECTOR, uint('100', 'Users kicked at a time.')),
  director_max_parallel_moves: ignored(NO_DIRECTOR, uint('100', 'Users moved at a time.')),
  director_output_buffer_size: ignored(NO_DIRECTOR, size('10 M', 'Buffer towards a member.')),
  director_ping_idle_timeout: ignored(NO_DIRECTOR, duration('30 secs', 'Pause after which a member is asked.')),
  director_ping_max_timeout: ignored(NO_DIRECTOR, duration('1 mins', 'Pause after which a member is gone.')),
} as const

/** Replication and dsync. */
export const replicationSettings = {
  dsync_features: ignored(NO_REPLICATION, string('', 'Features of dsync.')),
  dsync_remote_cmd: ignored(
    NO_REPLICATION,
    string('ssh -l%{login} %{host} doveadm dsync-server -u%u -U', 'How the other side is started.'),
  ),
  dsync_alt_char: ignored(NO_REPLICATION, string('_', 'Replacement of unusable characters.')),
  dsync_commit_msgs_interval: ignored(NO_REPLICATION, uint('100', 'Messages in a transaction.')),
  dsync_hashed_headers: ignored(NO_REPLICATION, string('Date Message-ID', 'Headers that identify a message.')),
  replicator_host: ignored(NO_REPLICATION, string('replicator', 'Host of the replicator.')),
  replicator_port: ignored(NO_REPLICATION, port('0', 'Port of the replicator.')),
  replication_max_conns: ignored(NO_REPLICATION, uint('10', 'Users replicated at a time.')),
  replication_dsync_parameters: ignored(NO_REPLICATION, string('-d -N -l 30 -U', 'Options of dsync.')),
  replication_full_sync_interval: ignored(NO_REPLICATION, duration('1 days', 'Pause between full runs.')),
} as const

/** Statistics of Dovecot's old and new kind. */
export const statsSettings = {
  stats_writer_socket_path: ignored(OWN_STATS, string('stats-writer', 'Socket that events are sent to.')),
  stats_http_rawlog_dir: ignored(OWN_STATS, string('', 'Directory of transcripts.')),
  old_stats_memory_limit: ignored(OWN_STATS, size('16 M', 'Memory of statistics.')),
  old_stats_command_min_time: ignored(OWN_STATS, duration('1 mins', 'How long commands are kept.')),
  old_stats_domain_min_time: ignored(OWN_STATS, duration('12 hours', 'How long domains are kept.')),
  old_stats_ip_min_time: ignored(OWN_STATS, duration('12 hours', 'How long addresses are kept.')),
  old_stats_session_min_time: ignored(OWN_STATS, duration('15 mins', 'How long sessions are kept.')),
  old_stats_user_min_time: ignored(OWN_STATS, duration('1 hours', 'How long users are kept.')),
  old_stats_carbon_interval: ignored(OWN_STATS, duration('30 secs', 'Pause between reports to Carbon.')),
  old_stats_carbon_name: ignored(OWN_STATS, string('', 'Name in reports to Carbon.')),
  old_stats_carbon_server: ignored(OWN_STATS, string('', 'Carbon server.')),
} as const
