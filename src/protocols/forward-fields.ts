/**
 * `forward_*` fields as one value: `key=value` pairs joined by TAB, tab-escaped, the form that POP3's and ManageSieve's XCLIENT
 * carry in base64 and SMTP's in xtext. A field without a value is a bare key.
 */
import { decodeText, encodeText } from './wire-text.ts'

/** Joins fields, latin1 held. */
export function joinForwardFields(fields: ReadonlyMap<string, string | null>): string {
  const parts: string[] = []
  for (const [key, value] of fields) {
    parts.push(
      value === null || value === ''
        ? tabEscape(encodeText(key))
        : `${tabEscape(encodeText(key))}=${tabEscape(encodeText(value))}`,
    )
  }
  return parts.join('\t')
}

/** Splits what `joinForwardFields` joined; a bare key has an empty value. */
export function splitForwardFields(joined: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const part of joined.split('\t')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const key = equals < 0 ? part : part.slice(0, equals)
    if (key !== '')
      fields.set(decodeText(tabUnescape(key)), equals < 0 ? '' : decodeText(tabUnescape(part.slice(equals + 1))))
  }
  return fields
}

/** What `encode` makes of the fields, the longest of them dropped until it has at most `maxBytes`; no value when none is left. */
export function fittingWithin(
  maxBytes: number,
  fields: ReadonlyMap<string, string | null>,
  encode: (kept: ReadonlyMap<string, string | null>) => { readonly value: string; readonly bytes: number },
): { readonly value: string | undefined; readonly dropped: readonly string[] } {
  const kept = new Map(fields)
  const dropped: string[] = []
  while (kept.size > 0) {
    const { value, bytes } = encode(kept)
    if (bytes <= maxBytes) return { value, dropped }
    const longest = longestField(kept)
    kept.delete(longest)
    dropped.push(longest)
  }
  return { value: undefined, dropped }
}

function longestField(fields: ReadonlyMap<string, string | null>): string {
  let longest = ''
  let size = -1
  for (const [key, value] of fields) {
    const length = key.length + (value?.length ?? 0)
    if (length > size) [longest, size] = [key, length]
  }
  return longest
}

const ESCAPES = new Map([
  ['\0', '\x010'],
  ['\x01', '\x011'],
  ['\t', '\x01t'],
  ['\r', '\x01r'],
  ['\n', '\x01n'],
])
const UNESCAPES = new Map([...ESCAPES].map(([plain, escaped]) => [escaped, plain]))

/** Dovecot's tab escaping: control characters that separate become 0x01 and a letter. */
export function tabEscape(text: string): string {
  return text.replace(/[\0\x01\t\r\n]/g, (char) => ESCAPES.get(char) ?? char)
}

export function tabUnescape(text: string): string {
  return text.replace(/\x01[01trn]/g, (pair) => UNESCAPES.get(pair) ?? pair)
}
