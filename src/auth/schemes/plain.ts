import { sameBytes } from './same-bytes.ts'
import { InvalidHash, type PasswordScheme } from './scheme.ts'

/** PLAIN and its other names: the stored text is the password. Only these can serve challenge mechanisms of any kind. */
export const plainSchemes: readonly PasswordScheme[] = ['PLAIN', 'CLEAR', 'CLEARTEXT'].map((name) => ({
  name,
  encoding: 'none',
  slow: false,
  verify: (stored, password) => sameBytes(stored, password.reveal()),
  generate: (password) => password.reveal(),
}))

/** PLAIN-TRUNC: `N-text`, where a text of N bytes is the beginning of a longer password. */
export const plainTrunc: PasswordScheme = {
  name: 'PLAIN-TRUNC',
  encoding: 'none',
  slow: false,
  verify(stored, password) {
    const [prefix, digits] = /^(\d*)-/.exec(stored.subarray(0, 16).toString('latin1')) ?? []
    if (prefix === undefined) throw new InvalidHash('PLAIN-TRUNC missing length: prefix')
    const text = stored.subarray(prefix.length)
    const isTruncated = text.length === Number(digits) && password.reveal().length >= text.length
    const compared = isTruncated ? password.reveal().subarray(0, text.length) : password.reveal()
    return sameBytes(compared, text)
  },
  // What Dovecot generates has no length and cannot be verified; neither do we invent one.
  generate: (password) => password.reveal(),
}
