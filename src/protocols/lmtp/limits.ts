/** How much a client and a backend may send and do, and how long. */
export const LMTP_LIMITS = {
  /** Dovecot sends a client away that says nothing for five minutes. */
  idleMs: 300_000,
  /** A command line. */
  lineBytes: 4096,
  /** The same from a trusted proxy, whose XRCPTFORWARD carries the fields of a user. */
  trustedLineBytes: 32 * 1024,
  /** A line that is too long is skipped up to here; then the connection ends. */
  skippedBytes: 1024 * 1024,
  /** Dovecot: the eleventh ends the connection. */
  badCommands: 10,
  /** Recipients of a transaction. */
  recipients: 1000,
  /** Of these, recipients with mail on this server: each has its files open. RFC 5321 §4.5.3.1.8 wants 100. */
  localRecipients: 200,
  /** RCPT commands that wait for an answer at the same time. */
  pipelinedRecipients: 64,
  /** Different backends of a transaction. */
  backends: 100,
  /** Dovecot's LMTP takes long session ids; each hop and transaction adds to them. */
  sessionBytes: 128,
  /** Hops mail may have left; a trusted proxy that claims more is not believed. */
  ttl: 5,
  /** What a client may call itself towards a backend: no host name is longer (RFC 1035 §2.3.4). */
  heloBytes: 255,
  /** Dovecot: connecting to a backend, up to where it takes mail, always has this long. */
  connectMs: 30_000,
  /** Dovecot: a backend's replies, unless `proxy_timeout` says otherwise. */
  replyMs: 125_000,
  /** A backend that does not answer QUIT. */
  quitMs: 5_000,
} as const
