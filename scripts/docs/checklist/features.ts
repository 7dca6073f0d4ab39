/** Who can be proxied: the columns of the tables. */
export const PROTOCOLS = ['imap', 'pop3', 'submission', 'lmtp', 'sieve'] as const
export type ProtocolName = (typeof PROTOCOLS)[number]

/** A row of the checklist of proxying: what Dovecot 2.3 does there. */
export interface Feature {
  readonly row: number
  readonly what: string
  /** Passdb fields and settings that belong to it. */
  readonly settings: string
  /** Protocols that need a test each; none when it has nothing to do with protocols. */
  readonly protocols: readonly ProtocolName[]
  /** Why there may be no test yet. */
  readonly later?: string
}

const ALL = PROTOCOLS
const LOGIN = ['imap', 'pop3', 'submission', 'sieve'] as const
const CLUSTER = 'belongs to the cluster'
const REMOTE = 'belongs to remote administration'

/** The rows that tests name in their tags. */
export const FEATURES: readonly Feature[] = [
  {
    row: 1,
    what: 'A user is proxied when the field is there, whatever its value',
    settings: '`proxy`',
    protocols: ALL,
  },
  {
    row: 2,
    what: 'Proxied or local, by whether the destination is this address and port',
    settings: '`proxy_maybe`, `auth_proxy_self`',
    protocols: ALL,
  },
  { row: 3, what: 'A local destination is left to a director', settings: '`proxy_always`', protocols: LOGIN },
  {
    row: 4,
    what: 'Destination by address or by name; a name that does not resolve is a temporary failure',
    settings: '`host`',
    protocols: ALL,
  },
  { row: 5, what: 'Where to connect, apart from the name', settings: '`hostip`', protocols: ALL },
  {
    row: 6,
    what: 'Default ports by protocol and TLS, in whatever order the fields come',
    settings: '`port`, `ssl`',
    protocols: ALL,
  },
  { row: 7, what: 'Another user name at the backend; empty is not set', settings: '`destuser`', protocols: ALL },
  {
    row: 8,
    what: 'The password is forwarded, also when nobody here checked it',
    settings: '`pass`, `nopassword`',
    protocols: LOGIN,
  },
  {
    row: 9,
    what: 'Logins for somebody else by a master user',
    settings: '`master`, `pass`, `auth_master_user_separator`',
    protocols: LOGIN,
  },
  {
    row: 10,
    what: 'The mechanism at the backend; tokens are forwarded',
    settings: '`proxy_mech`, XOAUTH2, OAUTHBEARER',
    protocols: LOGIN,
  },
  { row: 11, what: 'TLS and STARTTLS to backends, checked or not', settings: '`ssl`, `starttls`', protocols: ALL },
  {
    row: 12,
    what: 'A certificate of our own for backends',
    settings: '`ssl_client_cert`, `ssl_client_key`',
    protocols: ALL,
  },
  {
    row: 13,
    what: 'Whose certificates are believed, server name, name check against `host`',
    settings: '`ssl_ca`, `ssl_client_ca_file`',
    protocols: ALL,
  },
  {
    row: 14,
    what: 'Time for a backend login, reconnects with a pause',
    settings: '`login_proxy_timeout`, `login_proxy_max_reconnects`, `proxy_timeout`',
    protocols: LOGIN,
  },
  { row: 15, what: "What clients see of a backend's replies and failures", settings: '', protocols: ALL },
  {
    row: 16,
    what: 'A host that is known dead fails at once',
    settings: '`proxy_host_immediate_failure_after`',
    protocols: LOGIN,
  },
  { row: 17, what: 'Loops end: hop counter and self test', settings: '`x-proxy-ttl`, XCLIENT TTL', protocols: ALL },
  { row: 18, what: 'ID and LOGIN in one write, or one by one', settings: '`proxy_nopipelining`', protocols: ['imap'] },
  {
    row: 19,
    what: 'Who the client is travels by ID and XCLIENT, between those who trust each other',
    settings: '`login_trusted_networks`',
    protocols: ALL,
  },
  { row: 20, what: 'Nothing about the client is told', settings: '`proxy_not_trusted`', protocols: ALL },
  { row: 21, what: 'Fields for the next hop', settings: '`forward_*`', protocols: ALL },
  {
    row: 22,
    what: "Own capabilities before the login, the backend's behind it",
    settings: '`imap_capability`, `submission_backend_capabilities`, `managesieve_sieve_capability`',
    protocols: LOGIN,
  },
  {
    row: 23,
    what: "The client's own ID is kept and forwarded",
    settings: '`imap_id_retain`, `%{client_id}`',
    protocols: ['imap'],
  },
  { row: 24, what: 'ID is logged and answered', settings: '`imap_id_log`, `imap_id_send`', protocols: ['imap'] },
  { row: 25, what: 'POP3: XCLIENT, USER and PASS, APOP, AUTH, STLS', settings: '', protocols: ['pop3'] },
  {
    row: 26,
    what: 'Submission: EHLO, XCLIENT, AUTH',
    settings: '`submission_*`',
    protocols: ['submission'],
  },
  { row: 27, what: 'Submission login without AUTH', settings: '`proxy_noauth`', protocols: ['submission'] },
  {
    row: 28,
    what: 'LMTP: a lookup for each recipient, several backends at once, a reply for each recipient',
    settings: '`lmtp_proxy`, `protocol`',
    protocols: ['lmtp'],
  },
  {
    row: 29,
    what: 'LMTP: ORCPT, XRCPTFORWARD, Received',
    settings: '`lmtp_add_received_header`',
    protocols: ['lmtp'],
  },
  { row: 30, what: 'LMTP: wrong fields are 451, never local delivery', settings: '', protocols: ['lmtp'] },
  { row: 31, what: 'ManageSieve', settings: '', protocols: ['sieve'] },
  {
    row: 32,
    what: 'Logins refused with a reason; referrals',
    settings: '`nologin`, `reason`, `host`',
    protocols: LOGIN,
  },
  { row: 33, what: 'Logins that wait', settings: '`delay_until`', protocols: LOGIN },
  { row: 34, what: 'Where clients may come from', settings: '`allow_nets`, `allow_real_nets`', protocols: LOGIN },
  {
    row: 35,
    what: 'Source addresses, one after the other',
    settings: '`login_source_ips`, `source_ip`',
    protocols: ALL,
  },
  {
    row: 36,
    what: 'Clients of a lost backend leave one after the other',
    settings: '`login_proxy_max_disconnect_delay`',
    protocols: LOGIN,
  },
  {
    row: 37,
    what: 'PROXY protocol, versions 1 and 2, with TLS',
    settings: '`haproxy_trusted_networks`, `haproxy_timeout`',
    protocols: ALL,
  },
  { row: 38, what: 'One session id along the chain', settings: '`%{session}`', protocols: ALL },
  {
    row: 39,
    what: 'Log lines at the start and at the end, with bytes, idle time and side',
    settings: '`login_log_format*`, `auth_verbose`',
    protocols: ALL,
  },
  {
    row: 40,
    what: 'Proxied sessions are listed and kicked',
    settings: '`doveadm proxy list`, `proxy kick`, `user_*`',
    protocols: LOGIN,
  },
  { row: 41, what: 'who and kick know proxied sessions', settings: '`doveadm who`, `kick`', protocols: [] },
  { row: 42, what: 'HTTP API', settings: '`doveadm_api_key`', protocols: [], later: REMOTE },
  { row: 43, what: 'doveadm over TCP', settings: '`doveadm_port`, `doveadm_ssl`', protocols: [], later: REMOTE },
  { row: 44, what: 'Users mapped to backends, moved, flushed', settings: 'director', protocols: [], later: CLUSTER },
  {
    row: 45,
    what: 'Who is connected is told now and then',
    settings: '`proxy_refresh`, `login_proxy_notify_path`',
    protocols: LOGIN,
  },
  { row: 46, what: 'Redirects of backends go to the client, as in 2.3', settings: '', protocols: LOGIN },
  { row: 47, what: 'Events and metrics of sessions', settings: '`proxy_session_*`', protocols: [] },
  { row: 48, what: 'Transcripts of proxied sessions', settings: '`login_proxy_rawlog_dir`', protocols: LOGIN },
  { row: 49, what: 'Newer attributes of ID and XCLIENT are accepted', settings: '', protocols: ALL },
  {
    row: 50,
    what: 'What the client sends during the backend login waits; small buffers',
    settings: '',
    protocols: LOGIN,
  },
]
