/** A value that was understood, with the one way `doveconf` writes it, or Dovecot's words about what is wrong with it. */
export type Read<T> = { readonly ok: true; readonly value: T; readonly text: string } | Unreadable
export type Unreadable = { readonly ok: false; readonly error: string }

export function readable<T>(value: T, text: string): Read<T> {
  return { ok: true, value, text }
}

export function unreadable(error: string): Unreadable {
  return { ok: false, error }
}
