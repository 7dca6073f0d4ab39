import { isSecretField } from '../log-text.ts'
import { AUTH_SERVER_LIMITS } from './limits.ts'
import { splitPair } from './tab-text.ts'

/** What `auth_debug` shows of the lines on auth sockets, and `auth_debug_passwords` of the secrets in them. */
export type DebugLevel = 'none' | 'hidden' | 'secrets'

const HIDDEN = '<hidden>'

/** A line of a client's, for the log; it has been understood. */
export function clientIn(line: string, level: DebugLevel): string {
  if (level === 'secrets') return `client in: ${printable(line)}`
  // What comes behind the number is the response.
  if (line.startsWith('CONT\t')) return `client in: CONT${HIDDEN}`
  return `client in: ${printable(line.replace(/\tresp=.*$/, `\tresp=${HIDDEN}`))}`
}

/** A line of ours: OK, FAIL or CONT. */
export function clientOut(line: string, level: DebugLevel): string {
  if (level === 'secrets') return `client passdb out: ${printable(line)}`
  const values = line.split('\t').map((value) => {
    const [key] = splitPair(value)
    return isSecretField(key) && value !== key ? `${key}=${HIDDEN}` : value
  })
  return `client passdb out: ${printable(values.join('\t'))}`
}

/** Tabs stay, as in Dovecot's log. */
function printable(line: string): string {
  const clean = line.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '?')
  return clean.length > AUTH_SERVER_LIMITS.debugCharacters
    ? `${clean.slice(0, AUTH_SERVER_LIMITS.debugCharacters)}...`
    : clean
}
