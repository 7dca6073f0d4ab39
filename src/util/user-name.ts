/** What is before the first `@` of a user name: all of it when there is none. `%n`. */
export function beforeAt(user: string): string {
  const at = user.indexOf('@')
  return at < 0 ? user : user.slice(0, at)
}

/** What is behind it; empty when there is none. `%d`. */
export function afterAt(user: string): string {
  const at = user.indexOf('@')
  return at < 0 ? '' : user.slice(at + 1)
}
