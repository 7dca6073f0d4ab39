/** A template that cannot be expanded; `message` is Dovecot's text, e.g. `Unknown variable '%z'`. */
export class ExpandError extends Error {
  override readonly name = 'ExpandError'
}
