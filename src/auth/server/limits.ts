/** Limits on the clients of auth sockets. */
export const AUTH_SERVER_LIMITS = {
  /** A line, as Dovecot reads it. */
  lineBytes: 16_384,
  /** Until a client has said who it is. Dovecot waits for ever. */
  handshakeMs: 60_000,
  /** Between a challenge and its response: Dovecot's AUTH_REQUEST_TIMEOUT_SECS. */
  responseMs: 150_000,
  /** Requests of one client that are not answered yet; further ones fail for now. Dovecot has no limit. */
  requests: 1_000,
  /** Clients beyond the limit of connections that wait for their turn; further ones are closed. */
  waiting: 1_000,
  /** What a log line shows of a word nobody knows. */
  loggedCharacters: 64,
  /** Of a whole line, with `auth_debug`. */
  debugCharacters: 1_024,
} as const
