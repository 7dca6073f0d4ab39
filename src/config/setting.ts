// A setting is declared once, as a row: its type, default and manual. The types of the settings objects, the checks, what
// `doveconf` prints and docs/reference/settings.md all come from the rows.
import { Secret } from '../util/secret.ts'
import { parseBoolean, parseEnumeration, parseOctal, parsePort, parseUint, splitList } from './value/number.ts'
import { parseDuration, parseDurationMs } from './value/duration.ts'
import type { Read } from './value/read.ts'
import { parseSize } from './value/size.ts'

export type RowKind =
  | 'boolean'
  | 'uint'
  | 'octal'
  | 'duration'
  | 'duration-ms'
  | 'size'
  | 'port'
  | 'enumeration'
  | 'string'
  | 'list'
  | 'secret'

export interface Row<T> {
  readonly kind: RowKind
  /** The default as `doveconf` prints it. */
  readonly default: string
  readonly defaultValue: T
  /** A sentence for docs/reference/settings.md. */
  readonly doc: string
  /** Why setting it has no effect in Postern. Set: the value is read, kept, printed, and reported once. */
  readonly ignored?: string
  /** Accepted, and printed by `-a` only together with `-s`. */
  readonly hidden?: true
  /** Postern's own: `doveconf` prints it only when it was set. */
  readonly own?: true
  /** Absent from listings until it is set, which differs from empty. */
  readonly optional?: true
  /** The words an enumeration takes. */
  readonly words?: readonly string[]
  read(text: string): Read<T>
}

/** Rows by setting name. */
export type Rows = Readonly<Record<string, Row<unknown>>>

/** The object that a table of rows describes. */
export type ValuesOf<R extends Rows> = { readonly [K in keyof R]: R[K] extends Row<infer T> ? T : never }

/** yes or no. */
export const boolean = (defaultText: 'yes' | 'no', doc: string): Row<boolean> =>
  row('boolean', defaultText, doc, parseBoolean)

/** A plain decimal number of 32 bits. */
export const uint = (defaultText: string, doc: string): Row<number> => row('uint', defaultText, doc, parseUint)

/** A file mode: octal with a leading zero, otherwise decimal. */
export const octal = (defaultText: string, doc: string): Row<number> => row('octal', defaultText, doc, parseOctal)

/** A time in whole seconds, written with a unit. The value is in milliseconds; Infinity stands for Dovecot's largest number. */
export const duration = (defaultText: string, doc: string): Row<number> =>
  row('duration', defaultText, doc, parseDuration)

/** A time that may have fractions of a second, written with a unit. The value is in milliseconds. */
export const durationMs = (defaultText: string, doc: string): Row<number> =>
  row('duration-ms', defaultText, doc, parseDurationMs)

/** A size with an optional unit, powers of 1024. The value is in bytes; Infinity stands for Dovecot's largest number. */
export const size = (defaultText: string, doc: string): Row<number> => row('size', defaultText, doc, parseSize)

/** 0 to 65535. */
export const port = (defaultText: string, doc: string): Row<number> => row('port', defaultText, doc, parsePort)

/** One of the given words, exactly so written; the first is the default. */
export const enumeration = <const W extends readonly [string, ...string[]]>(words: W, doc: string): Row<W[number]> => ({
  ...row('enumeration', words[0], doc, (text) => parseEnumeration<W[number]>(words, text)),
  words,
})

/** Any text. */
export const string = (defaultText: string, doc: string): Row<string> =>
  row('string', defaultText, doc, (text) => ({ ok: true, value: text, text }))

/** A directory; the value has no slash at its end. Printed as it was written. */
export const directory = (defaultText: string, doc: string): Row<string> =>
  row('string', defaultText, doc, (text) => ({ ok: true, value: text.replace(/(?<=.)\/$/, ''), text }))

/** Several words, split on blanks and, unless said otherwise, commas. Printed as it was written. */
export const list = (defaultText: string, doc: string, separators = ', '): Row<readonly string[]> =>
  row('list', defaultText, doc, (text) => ({ ok: true, value: splitList(text, separators), text }))

/** A password, key or token; the value prints as `[secret]` wherever it leaks to. */
export const secret = (doc: string): Row<Secret> =>
  row('secret', '', doc, (text) => ({ ok: true, value: new Secret(text), text }))

/** The same row, accepted and kept but without effect, for the given reason. */
export const ignored = <T>(reason: string, of: Row<T>): Row<T> => ({ ...of, ignored: reason })

/** The same row, left out of `doveconf -a` unless `-s` is given. */
export const hidden = <T>(of: Row<T>): Row<T> => ({ ...of, hidden: true })

/** The same row, one that Dovecot does not have. */
export const own = <T>(of: Row<T>): Row<T> => ({ ...of, own: true })

/** The same row, for a setting that is absent, not merely empty, until it is set. */
export const optional = <T>(of: Row<T>): Row<T | undefined> => ({ ...of, defaultValue: undefined, optional: true })

function row<T>(kind: RowKind, defaultText: string, doc: string, read: (text: string) => Read<T>): Row<T> {
  const parsed = read(defaultText)
  if (!parsed.ok) throw new Error(`default of a ${kind} setting: ${parsed.error}`)
  return { kind, default: parsed.text, defaultValue: parsed.value, doc, read }
}
