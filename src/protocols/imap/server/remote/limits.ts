/** How much another server may say, and how many of them one session may keep busy. */
export const REMOTE_LIMITS = {
  /** Connections of one session; the one not used for longest is closed for another. */
  connections: 8,
  /** Logins of one session that other servers may refuse: whoever tries names costs them, and us penalties. */
  refusedLogins: 10,
  /** A connection whose mailbox is not selected is kept so long after its last command. */
  keepMs: 60_000,
  /** A line of a response, without literals: SEARCH of a million messages. */
  lineBytes: 8 * 1024 * 1024,
  /** A response that is read whole (LIST, STATUS, ACL), literals included. */
  responseBytes: 256 * 1024,
  /** Responses to one command that is read whole. */
  responses: 200_000,
  /** What may be said in answer to one command without any of it being for the client. */
  unheardBytes: 64 * 1024 * 1024,
  /** Connecting and logging in for a LIST, and the longest silence in it: everything else in it waits. */
  listMs: 10_000,
  /** A server that could not be reached is not asked again for a LIST so soon. */
  listPauseMs: 15_000,
  /** Servers asked at the same time by one LIST. */
  listsAtOnce: 4,
  /** Messages of one COPY to or from another server. */
  copied: 100_000,
  /** Read from a connection at a time. */
  chunkBytes: 64 * 1024,
} as const
