/** How much a client may send and how long it may do nothing. */
export const SERVER_LIMITS = {
  /** Dovecot's CLIENT_MAX_BAD_COMMANDS, counted from the last command that was none. */
  badCommands: 20,
  /** Opening parentheses of one command, LIST and SEARCH included. */
  lists: 10_000,
  literals: 10_000,
  /** Dovecot's CLIENT_IDLE_TIMEOUT_MSECS; RFC 3501 §5.4 asks for 30 minutes at least. */
  idleMs: 30 * 60_000,
  /** How deep keys of SEARCH may lie in each other. */
  searchDepth: 1000,
  /** One piece of work; then everybody else has a turn. */
  turnMs: 4,
  /** Output that is gathered before it is written. */
  gatherBytes: 128 * 1024,
} as const
