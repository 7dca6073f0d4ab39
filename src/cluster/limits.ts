/** Limits of a cluster. No login waits for any of it: servers tell each other what they know, and decide by themselves. */
export const CLUSTER_LIMITS = {
  /** How often a server says that it is there. */
  heartbeatMs: 2_000,
  /** Who was silent for so long is gone, and its connections with it. */
  silentMs: 7_000,
  /** Answers to a question of `doveadm`. */
  answerMs: 3_000,
  /** Redis does not answer within this time: it is away. */
  busMs: 1_000,
  /** Pause between attempts to reach it. */
  retryMs: 1_000,
  /** Words of another server; longer ones are not read. */
  messageBytes: 1024 * 1024,
  /** Rows of an answer in one message. */
  rowsPerMessage: 500,
  /** Rows of an answer together. */
  rows: 1_000_000,
  members: 1_000,
} as const
