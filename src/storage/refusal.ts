/** Why the store does not do what was asked: the user's doing or the state of things, not a fault. */
export type RefusalCode =
  /** The mailbox does not exist, or the user may not know that it does. */
  | 'not-found'
  | 'exists'
  /** The name cannot be: bad characters, too long, outside every namespace, reserved. */
  | 'invalid-name'
  /** The mailbox is there, but cannot do this: \Noselect, \Noinferiors, INBOX that cannot be deleted. */
  | 'cannot'
  /** What is below it must go first. */
  | 'has-children'
  | 'no-permission'
  | 'over-quota'
  | 'read-only'
  /** The message is gone. */
  | 'expunged'
  | 'in-use'
  /** A named limit was passed: too many keywords, keyword too long ... */
  | 'limit'
  /** Locks, disks, databases: it may work later. */
  | 'temporary'

/** Thrown by stores; protocols turn the code into their own reply code (IMAP `[NONEXISTENT]` ...) and say the text. */
export class StoreRefusal extends Error {
  override readonly name = 'StoreRefusal'
  readonly code: RefusalCode

  /** `text` is for the client, in Dovecot's words, without a reply code: `Mailbox doesn't exist: Work`. */
  constructor(code: RefusalCode, text: string, options?: ErrorOptions) {
    super(text, options)
    this.code = code
  }
}
