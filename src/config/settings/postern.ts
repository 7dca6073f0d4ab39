import { boolean, durationMs, enumeration, own, string, uint } from '../setting.ts'

/** What Postern has and Dovecot does not. */
export const posternSettings = {
  postern_workers: own(uint('0', 'Worker processes; 0 is one per core.')),
  postern_bare_sockets: own(
    boolean(
      'no',
      'Connections of the login protocols and to backends by way of what Node has below `net.Socket`: a login takes a quarter less CPU, one with TLS a tenth. Node does not document it, so it is tried out at the start, and not used when it behaves otherwise. Global.',
    ),
  ),
  postern_practice: own(
    durationMs(
      '0',
      'So long at most a worker practises logins before it takes the first, with itself and over loopback; 0: not at all. For busy servers: just begun, a worker needs four times the CPU for a login.',
    ),
  ),
  postern_strict: own(boolean('no', 'Refuse unknown settings as Dovecot does, in place of warning about them.')),
  postern_log_format: own(enumeration(['dovecot', 'json'], 'Lines as Dovecot writes them, or one JSON object a line.')),
  postern_metrics_listen: own(
    string('', 'Address and port of Prometheus metrics, such as 127.0.0.1:9090; empty is off.'),
  ),
  postern_control_socket: own(string('postern-control', 'Socket of `postern doveadm`, relative to base_dir.')),
  postern_hand_over: own(
    boolean(
      'yes',
      'Give local sessions without TLS to the process that opens the mail, connection and all; no: carry their bytes there and back.',
    ),
  ),
  postern_remote_owners: own(
    boolean(
      'no',
      'Reach shared mailboxes whose owner the databases send to another server (`proxy`, `host`) there, over IMAP, with `imapc_password`.',
    ),
  ),
  postern_cluster: own(
    string('', 'Redis URL through which several servers know of each other; empty is a single one.'),
  ),
} as const
