import { ignored, list, size, string, uint } from '../setting.ts'

const ONLY_PROXIED = 'ManageSieve is only proxied: it is for the backend'

/** ManageSieve. */
export const managesieveSettings = {
  managesieve_max_line_length: ignored(ONLY_PROXIED, size('64 k', 'Longest command line.')),
  managesieve_implementation_string: string('Dovecot (Debian) Pigeonhole', 'What IMPLEMENTATION says.'),
  managesieve_logout_format: ignored(ONLY_PROXIED, string('bytes=%i/%o', 'What is logged when a session ends.')),
  managesieve_max_compile_errors: ignored(ONLY_PROXIED, uint('5', 'Errors of a script that are told.')),
  managesieve_sieve_capability: string(
    'fileinto reject envelope encoded-character vacation subaddress comparator-i;ascii-numeric relational regex imap4flags copy include variables body enotify environment mailbox date index ihave duplicate mime foreverypart extracttext',
    'Sieve extensions on offer.',
  ),
  managesieve_notify_capability: string('mailto', 'Notification methods on offer.'),
  managesieve_client_workarounds: ignored('no client needs one', list('', 'Workarounds for clients.')),
} as const
