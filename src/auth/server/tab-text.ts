/**
 * The text of Dovecot's auth protocol: lines of values between tabs, with an escape for what would end a value. Lines are
 * latin1, one character a byte; values are UTF-8.
 */

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\u0000', '\u00010'],
  ['\u0001', '\u00011'],
  ['\t', '\u0001t'],
  ['\r', '\u0001r'],
  ['\n', '\u0001n'],
])
const UNESCAPES: ReadonlyMap<string, string> = new Map(Array.from(ESCAPES, ([text, escape]) => [escape, text]))

/** A value as it stands in a line. */
export function escapeTabs(text: string): string {
  return /[\0\x01\t\r\n]/.test(text) ? text.replace(/[\0\x01\t\r\n]/g, (found) => ESCAPES.get(found) ?? '') : text
}

/** The twin of `escapeTabs`. An escape that is none loses its mark. */
export function unescapeTabs(text: string): string {
  if (!text.includes('\u0001')) return text
  return text.replace(/\x01([^])?/g, (found, next = '') => UNESCAPES.get(found) ?? next)
}

/** The values of a line, or of a value that holds a list. */
export function splitTabs(text: string): readonly string[] {
  return text === '' ? [] : text.split('\t').map(unescapeTabs)
}

/** A line of these values, its end included. */
export function tabLine(values: readonly string[]): Buffer {
  return Buffer.from(`${values.map(escapeTabs).join('\t')}\n`)
}

/** `key=value`, or the key alone where there is no value. */
export function pair(key: string, value: string): string {
  return value === '' ? key : `${key}=${value}`
}

/** The twin of `pair`: without `=` the value is empty. */
export function splitPair(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** A value's text, of a line that was read as latin1. */
export function textOf(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1
}
