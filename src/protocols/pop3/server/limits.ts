/** How much a user may send, and how long it may keep quiet. */
export const SERVER_LIMITS = {
  /** Dovecot reads 8 KB at most. */
  lineBytes: 8_192,
  /** Commands in a row that were answered with -ERR; the next one ends the session. */
  badCommands: 20,
  /** RFC 1939 §3: at least ten minutes. */
  idleMs: 600_000,
  /** How long a reader may leave our output alone. */
  stalledMs: 600_000,
  /** Messages looked at in one piece before others get their turn. */
  batch: 500,
} as const
