// What is known of a token: the fields of an answer or of a JWT, as text.

/** Fields by name. */
export type TokenData = ReadonlyMap<string, string>

/** What a way to look at a token came to. */
export type TokenOutcome =
  | { readonly kind: 'valid'; readonly data: TokenData }
  /** The token is wrong; `log` says why. */
  | { readonly kind: 'invalid'; readonly log: string }
  /** Nobody knows whether it is. */
  | { readonly kind: 'failed'; readonly log: string }

/** A JSON object's fields; nested ones are left out, lists of words are joined by blanks. `undefined`: it is none. */
export function parseTokenData(text: string): TokenData | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? tokenData(value) : undefined
}

export function tokenData(object: object): TokenData {
  const data = new Map<string, string>()
  for (const [name, value] of Object.entries(object)) {
    const field = textOf(value)
    if (field !== undefined) data.set(name, field)
  }
  return data
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!Array.isArray(value)) return undefined
  const words = value.filter((word): word is string => typeof word === 'string')
  return words.length === value.length ? words.join(' ') : undefined
}
