import { boolean, duration, enumeration, ignored, list, port, size, string } from '../setting.ts'

const NO_HIBERNATION = 'an idle session costs little without hibernation'
const NO_URLAUTH = 'URLAUTH is not supported'

/** IMAP, before and after login. */
export const imapSettings = {
  imap_capability: string('', 'Capabilities instead of the built-in ones; with a leading `+`, further ones.'),
  imap_id_send: string('name *', 'What ID tells about the server; `*` is the built-in value.'),
  imap_id_log: string('', 'What ID parameters of clients are logged; `*` is all.'),
  imap_id_retain: boolean('no', 'Keep the client ID for %{client_id} and for the backend.'),
  imap_idle_notify_interval: duration('2 mins', 'How often an idle client hears that the server is still there.'),
  imap_max_line_length: size('64 k', 'Longest command line.'),
  imap_literal_minus: boolean('no', 'Announce LITERAL- in place of LITERAL+.'),
  imap_logout_format: string(
    'in=%i out=%o deleted=%{deleted} expunged=%{expunged} trashed=%{trashed} hdr_count=%{fetch_hdr_count} hdr_bytes=%{fetch_hdr_bytes} body_count=%{fetch_body_count} body_bytes=%{fetch_body_bytes}',
    'What is logged when a session ends.',
  ),
  imap_client_workarounds: list('', 'delay-newmail, tb-extra-mailbox-sep, tb-lsub-flags.'),
  imap_metadata: ignored('METADATA is not supported', boolean('no', 'Offer METADATA.')),
  imap_fetch_failure: enumeration(
    ['disconnect-immediately', 'disconnect-after', 'no-after'],
    'What to do when a message cannot be read during FETCH.',
  ),
  imap_hibernate_timeout: ignored(NO_HIBERNATION, duration('0', 'Idle time after which a session hibernates.')),
  imap_urlauth_host: ignored(NO_URLAUTH, string('', 'Host in URLs.')),
  imap_urlauth_port: ignored(NO_URLAUTH, port('143', 'Port in URLs.')),
  imap_urlauth_logout_format: ignored(NO_URLAUTH, string('in=%i out=%o', 'What is logged when a session ends.')),
} as const
