import type { StoredPassword } from './request.ts'

/** A stored password with its scheme, whether or not the database wrote the scheme down. */
export function storedText(stored: StoredPassword | undefined): string | undefined {
  if (stored === undefined) return undefined
  return /^\{[^{}]+\}/.test(stored.text) ? stored.text : `{${stored.defaultScheme}}${stored.text}`
}
