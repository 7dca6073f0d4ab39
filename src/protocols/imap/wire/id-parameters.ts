/** ID parameters: `NIL` or a list of field-value pairs. RFC 2971 §3.3. */
import type { Argument } from './argument-reader.ts'
import { quoted } from './argument-writer.ts'
import { isNil } from './grammar.ts'

/** A field and its value; null is NIL. */
export type IdPair = readonly [key: string, value: string | null]

/** RFC 2971 §3.3: "Field strings MUST NOT be longer than 30 octets." */
export const ID_KEY_BYTES = 30
/** RFC 2971 §3.3: "Value strings MUST NOT be longer than 1024 octets." Longer ones are accepted but never sent. */
export const ID_VALUE_BYTES = 1024

/** The pairs of an ID command's arguments, or undefined when they are not what RFC 2971 allows. A last key without a value is dropped, as Dovecot does. */
export function readIdParameters(args: readonly Argument[]): readonly IdPair[] | undefined {
  const [list] = args
  if (list === undefined || (list.kind === 'atom' && isNil(list.text))) return []
  if (list.kind !== 'list') return undefined
  const pairs: IdPair[] = []
  for (let i = 0; i < list.items.length; i += 2) {
    const key = list.items[i]
    const value = list.items[i + 1]
    if (key?.kind !== 'string' || key.text.length > ID_KEY_BYTES) return undefined
    if (value === undefined) break
    if (value.kind === 'list' || (value.kind === 'atom' && !isNil(value.text))) return undefined
    pairs.push([key.text, value.kind === 'atom' ? null : value.text])
  }
  return pairs
}

/** The pairs as a parenthesised list, `NIL` when there are none. Keys and values must pass `fitsIdPair`. */
export function writeIdParameters(pairs: readonly IdPair[]): string {
  return pairs.length === 0 ? 'NIL' : `(${pairs.map(writeIdPair).join(' ')})`
}

/** `"key" "value"` or `"key" NIL`. */
export function writeIdPair([key, value]: IdPair): string {
  return `${quoted(key)} ${value === null ? 'NIL' : quoted(value)}`
}

/** Whether a pair can be sent: within RFC 2971's lengths and without CR, LF or NUL, which no quoted string can carry. */
export function fitsIdPair([key, value]: IdPair): boolean {
  return (
    key.length <= ID_KEY_BYTES &&
    !UNQUOTABLE.test(key) &&
    (value === null || (value.length <= ID_VALUE_BYTES && !UNQUOTABLE.test(value)))
  )
}

const UNQUOTABLE = /[\0\r\n]/
