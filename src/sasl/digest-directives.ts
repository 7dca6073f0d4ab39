import { SaslError } from './mechanism.ts'

/** The `key=value, key="value"` lists of DIGEST-MD5. RFC 2831 §7.1. Values are byte strings: a character a byte. */
export type Directives = readonly (readonly [key: string, value: string])[]

/** Reads a list; keys become lower case. Throws SaslError for what is no list. */
export function parseDirectives(message: Buffer): Directives {
  const text = message.toString('latin1')
  const directives: [string, string][] = []
  // Blanks and empty elements may stand anywhere between directives.
  const separators = /[ \t\r\n,]*/y
  // Words and the blanks between them share no character, so that matching takes time in proportion to the message.
  const directive =
    /([^=,"\0 \t\r\n]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|((?:[^",\0 \t]+(?:[ \t]+[^",\0 \t]+)*)?))[ \t]*(?=,|$)/y
  for (;;) {
    separators.exec(text)
    if (separators.lastIndex === text.length) return directives
    directive.lastIndex = separators.lastIndex
    const [, key = '', quoted, token = ''] = directive.exec(text) ?? []
    if (key === '') throw new SaslError('Invalid directive')
    directives.push([key.toLowerCase(), quoted === undefined ? token : quoted.replace(/\\([^])/g, '$1')])
    separators.lastIndex = directive.lastIndex
  }
}

/** A quoted string: `"` and `\` get a backslash. */
export function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

/** The one value of a key; throws SaslError when there are several. */
export function single(directives: Directives, key: string): string | undefined {
  const values = directives.filter(([name]) => name === key).map(([, value]) => value)
  if (values.length > 1) throw new SaslError(`${key} must not exist more than once`)
  return values[0]
}
