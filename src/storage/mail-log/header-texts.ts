import { decodeWords } from '../message/encoded-word.ts'
import { foldedValue, rawFields } from '../message/header.ts'
import { cutText } from '../../util/cut-text.ts'

/** A header that is longer is not looked at any further. */
export const HEADER_BYTES = 64 * 1024

/** What senders choose is cut to so many bytes in a line. */
const VALUE_BYTES = 80

/** Names of fields as a line has them → as a header has them. */
export const HEADER_FIELDS = [
  ['msgid', 'message-id'],
  ['from', 'from'],
  ['subject', 'subject'],
] as const

/** Values of the first `Message-ID`, `From` and `Subject`, as text for a line of the log; empty where there is none. */
export type HeaderTexts = Readonly<Record<(typeof HEADER_FIELDS)[number][0], string>>

export const NO_HEADER: HeaderTexts = { msgid: '', from: '', subject: '' }

/** Of a header, or the beginning of one. */
export function headerTexts(header: Buffer): HeaderTexts {
  const values = new Map<string, string>()
  for (const { name, valueStart, end } of rawFields(header)) {
    if (!NAMES.has(name) || values.has(name)) continue
    values.set(name, foldedValue(header.toString('latin1', valueStart, end)))
    if (values.size === NAMES.size) break
  }
  return textsOf((name) => values.get(name))
}

/** Of values as `foldedValue` has them, one byte a character. */
export function textsOf(valueOf: (name: 'message-id' | 'from' | 'subject') => string | undefined): HeaderTexts {
  const [msgid, from, subject] = HEADER_FIELDS.map(([, name]) => logText(valueOf(name) ?? ''))
  return { msgid: msgid ?? '', from: from ?? '', subject: subject ?? '' }
}

const NAMES: ReadonlySet<string> = new Set(HEADER_FIELDS.map(([, name]) => name))

/** As Dovecot writes it: words decoded, unfolded, what is no UTF-8 replaced, control characters harmless. */
function logText(value: string): string {
  if (value === '') return ''
  const text = decodeWords(value.replaceAll(/\n[\t ]/g, ' '))
  return cutText(text.replaceAll(/[\0\uFFFD]+/g, '\uFFFD').replaceAll(CONTROLS, '?'), VALUE_BYTES)
}

// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\x01-\x1f]/g
