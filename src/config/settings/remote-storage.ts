import { boolean, duration, durationMs, enumeration, ignored, port, secret, size, string, uint } from '../setting.ts'

const NO_POP3C = 'POP3 servers cannot be used as storage'
const FIXED = 'commands go to that server as clients give them'

/** Another IMAP or POP3 server as storage. */
export const remoteStorageSettings = {
  imapc_host: string(
    '',
    'IMAP server that holds the mail of `imapc:` locations; empty in shared namespaces is that of the owner.',
  ),
  imapc_port: port('143', 'Its port.'),
  imapc_user: string('', 'User to log in there; empty is the owner of the mailboxes.'),
  imapc_password: secret('Password to log in there.'),
  imapc_master_user: string('', 'Master user to log in there: in shared namespaces who asks, `%u`.'),
  imapc_ssl: enumeration(['no', 'imaps', 'starttls'], 'TLS to that server.'),
  imapc_ssl_verify: boolean('yes', 'Refuse a server without a valid certificate.'),
  imapc_sasl_mechanisms: string(
    '',
    'Mechanisms to log in by, of which the first is used; empty is PLAIN with a master user, else LOGIN.',
  ),
  imapc_features: ignored(FIXED, string('', 'Features to use.')),
  imapc_list_prefix: string('', 'Show only mailboxes below this one.'),
  imapc_cmd_timeout: duration('5 mins', 'Longest silence of that server while it owes an answer.'),
  imapc_max_idle_time: ignored(FIXED, duration('29 mins', 'Longest silence.')),
  imapc_connection_retry_count: uint('1', 'Further tries to connect.'),
  imapc_connection_retry_interval: durationMs('1 secs', 'Pause between tries.'),
  imapc_max_line_length: ignored(FIXED, size('0', 'Longest line.')),
  imapc_rawlog_dir: ignored(FIXED, string('', 'Directory of transcripts.')),
  pop3c_host: ignored(NO_POP3C, string('', 'POP3 server that holds the mail.')),
  pop3c_port: ignored(NO_POP3C, port('110', 'Its port.')),
  pop3c_user: ignored(NO_POP3C, string('%u', 'User to log in there.')),
  pop3c_password: ignored(NO_POP3C, secret('Password to log in there.')),
  pop3c_master_user: ignored(NO_POP3C, string('', 'Master user to log in there.')),
  pop3c_ssl: ignored(NO_POP3C, enumeration(['no', 'pop3s', 'starttls'], 'TLS to that server.')),
  pop3c_ssl_verify: ignored(NO_POP3C, boolean('yes', 'Refuse a server without a valid certificate.')),
  pop3c_features: ignored(NO_POP3C, string('', 'Features to use.')),
  pop3c_quick_received_date: ignored(NO_POP3C, boolean('no', 'Do not ask for dates.')),
  pop3c_rawlog_dir: ignored(NO_POP3C, string('', 'Directory of transcripts.')),
} as const
