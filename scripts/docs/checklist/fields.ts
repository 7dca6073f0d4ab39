import type { ProtocolName } from './features.ts'

/** A passdb field that has to do with proxying, and where it means something. */
export interface PassdbField {
  readonly name: string
  readonly what: string
  /** Protocols in which it is followed, each with a test. */
  readonly protocols: readonly ProtocolName[]
}

const ALL = ['imap', 'pop3', 'submission', 'lmtp', 'sieve'] as const
const LOGIN = ['imap', 'pop3', 'submission', 'sieve'] as const

/** In the order in which they are explained to users: where, who, how, whether. */
export const FIELDS: readonly PassdbField[] = [
  { name: 'proxy', what: 'proxied', protocols: ALL },
  { name: 'proxy_maybe', what: 'proxied unless the destination is here', protocols: ALL },
  { name: 'proxy_always', what: 'with `proxy_maybe`: here is for the director to decide', protocols: LOGIN },
  { name: 'host', what: 'destination, TLS name', protocols: ALL },
  { name: 'hostip', what: 'where to connect', protocols: ALL },
  { name: 'port', what: 'port there', protocols: ALL },
  { name: 'source_ip', what: 'from which address', protocols: ALL },
  { name: 'protocol', what: '`lmtp` or `smtp`', protocols: ['lmtp'] },
  { name: 'destuser', what: 'name there', protocols: ALL },
  { name: 'pass', what: 'password there', protocols: LOGIN },
  { name: 'master', what: 'who logs in there', protocols: LOGIN },
  { name: 'proxy_mech', what: 'mechanism there', protocols: LOGIN },
  { name: 'ssl', what: 'TLS from the first byte', protocols: ALL },
  { name: 'starttls', what: 'STARTTLS', protocols: ALL },
  { name: 'proxy_timeout', what: 'time for the backend', protocols: ALL },
  { name: 'proxy_host_immediate_failure_after', what: 'when a dead host is given up', protocols: LOGIN },
  { name: 'proxy_nopipelining', what: 'one command at a time', protocols: ['imap'] },
  { name: 'proxy_not_trusted', what: 'the backend learns nothing of the client', protocols: ALL },
  { name: 'proxy_noauth', what: 'no AUTH, the user by XCLIENT', protocols: ['submission'] },
  { name: 'proxy_refresh', what: 'how often the user is reported', protocols: LOGIN },
  { name: 'haproxy', what: 'PROXY header for the backend (not in Dovecot)', protocols: ALL },
  { name: 'forward_*', what: 'for the next hop', protocols: ALL },
  { name: 'user_*', what: 'other names, for `proxy list` and `kick -f`', protocols: LOGIN },
  { name: 'user', what: 'renames the user (`username`, `domain`: parts)', protocols: ALL },
  { name: 'nopassword', what: 'every password is right', protocols: LOGIN },
  { name: 'nologin', what: 'refused after the right password', protocols: LOGIN },
  { name: 'reason', what: 'words for it', protocols: LOGIN },
  { name: 'fail', what: 'refused as if the password were wrong', protocols: LOGIN },
  { name: 'delay_until', what: 'not before', protocols: LOGIN },
  { name: 'allow_nets', what: 'client addresses', protocols: LOGIN },
  { name: 'allow_real_nets', what: 'addresses of the TCP peer', protocols: LOGIN },
  { name: 'nodelay', what: 'a refusal comes at once', protocols: LOGIN },
]
