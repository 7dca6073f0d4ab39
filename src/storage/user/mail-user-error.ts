/** The mail of a user cannot be opened because of what the configuration or the userdb says. The message is for the log, in Dovecot's words. */
export class MailUserError extends Error {
  override readonly name = 'MailUserError'
}
