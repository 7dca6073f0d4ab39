/** A command that makes no sense; answered with BAD and counted. `text` is Dovecot's: `Invalid arguments`. */
export class BadCommand extends Error {
  override readonly name = 'BadCommand'
}

/** There is no selected mailbox, and the command needs one. */
export class NoMailbox extends Error {
  override readonly name = 'NoMailbox'
}

/** A command that makes sense, and is refused; answered with NO and this text. */
export class No extends Error {
  override readonly name = 'No'
}

/** The session is over: the client went, or somebody ended it. `reason` is for the log, in Dovecot's words. */
export class SessionOver extends Error {
  override readonly name = 'SessionOver'
}
