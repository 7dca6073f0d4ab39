import {
  boolean,
  durationMs,
  duration,
  enumeration,
  ignored,
  list,
  optional,
  port,
  secret,
  size,
  string,
  uint,
} from '../setting.ts'

const ONLY_PROXIED = 'submission is only proxied: it is for the backend'

/** Submission: the relay behind it and its limits. */
export const submissionSettings = {
  submission_host: ignored(
    'the server sends no messages by itself',
    string('', 'SMTP server for messages that the server sends itself.'),
  ),
  submission_relay_host: ignored(ONLY_PROXIED, string('', 'SMTP server that gets submitted messages.')),
  submission_relay_port: ignored(ONLY_PROXIED, port('25', 'Its port.')),
  submission_relay_user: ignored(ONLY_PROXIED, string('', 'User to log in there.')),
  submission_relay_password: ignored(ONLY_PROXIED, secret('Password to log in there.')),
  submission_relay_master_user: ignored(ONLY_PROXIED, string('', 'Master user to log in there.')),
  submission_relay_trusted: ignored(ONLY_PROXIED, boolean('no', 'Whether it accepts XCLIENT from this server.')),
  submission_relay_ssl: ignored(ONLY_PROXIED, enumeration(['no', 'smtps', 'starttls'], 'TLS to the relay.')),
  submission_relay_ssl_verify: ignored(ONLY_PROXIED, boolean('yes', 'Refuse a relay without a valid certificate.')),
  submission_relay_connect_timeout: ignored(ONLY_PROXIED, durationMs('30 secs', 'Give up connecting after this long.')),
  submission_relay_command_timeout: ignored(
    ONLY_PROXIED,
    durationMs('5 mins', 'Give up waiting for a reply after this long.'),
  ),
  submission_relay_max_idle_time: ignored(
    ONLY_PROXIED,
    duration('29 mins', 'Keep the connection open by NOOP for this long.'),
  ),
  submission_max_mail_size: size('0', 'Largest message; 0 is unlimited.'),
  submission_max_recipients: ignored(ONLY_PROXIED, uint('0', 'Most recipients of a message; 0 is unlimited.')),
  submission_backend_capabilities: optional(
    list(
      '',
      'SMTP extensions of the backends that the proxy announces: 8BITMIME, BINARYMIME, DSN, VRFY. Without it 8BITMIME.',
    ),
  ),
  submission_client_workarounds: ignored(
    'paths and their workarounds are the affair of the backend; clients log in with AUTH',
    list('', 'whitespace-before-path, mailbox-for-path, implicit-auth-external, exotic-backend.'),
  ),
  submission_logout_format: ignored(ONLY_PROXIED, string('in=%i out=%o', 'What is logged when a session ends.')),
  submission_relay_rawlog_dir: ignored('use login_proxy_rawlog_dir', string('', 'Directory of transcripts.')),
  submission_timeout: ignored('sending has its own deadlines', duration('30 secs', 'Deadline of messages sent.')),
  submission_ssl: ignored(
    'messages are sent with TLS when it is offered',
    enumeration(['no', 'smtps', 'starttls'], 'TLS to submission_host.'),
  ),
} as const
