/** A command that makes no sense; answered with BAD and counted. `text` is Dovecot's: `Invalid arguments`. */
export class BadCommand extends Error {
  override readonly name = 'BadCommand'
}

/** The session is over: the client went, or somebody ended it. `reason` is for the log, in Dovecot's words. */
export class SessionOver extends Error {
  override readonly name = 'SessionOver'
}
