const HIDDEN = '# hidden, use -P to show it'
const HIDDEN_PART = '#hidden_use-P_to_show#'

/** What stands for a secret in a listing: whole values of telling names, and parts such as `password=...`. */
export function maskValue(key: string, value: string): string {
  if (value === '') return value
  if (/_(password|key|nonce)$/.test(key) || key.startsWith('ssl_dh')) return HIDDEN
  return maskParts(value)
}

/**
 * Secrets inside a value: a word that begins with key, secret or pass and has a `=` behind it, up to the next blank; and
 * user and password in a URL.
 */
function maskParts(value: string): string {
  const secret =
    /((?:^|(?<=[^a-zA-Z0-9]))(?:key|secret|pass)[^= \t\n]*[ \t\n]*=)[^ \t\n]*|((?:https?|ftp|rediss?):\/\/)[^@/ \t\n]*(?=@)/g
  return value.replace(
    secret,
    (_, word: string | undefined, scheme: string | undefined) => `${word ?? scheme}${HIDDEN_PART}`,
  )
}
