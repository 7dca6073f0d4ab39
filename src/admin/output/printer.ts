/** A column of a listing. */
export interface Column {
  /** The name in JSON. */
  readonly key: string
  /** The name everywhere else. */
  readonly title: string
  /** The first such column of a table takes half of the width that is left over, the last column where there is none. */
  readonly expand?: boolean
  /** Formats that name each value leave this name away; a table of such columns has no titles. */
  readonly hideTitle?: boolean
  /** Numbers, in a table. */
  readonly alignRight?: boolean
  /** Written as it is, with its line ends: a `block` begins on a line of its own where each value has one. */
  readonly text?: 'block' | 'inline'
}

/** Writes a listing, row by row. Values are in the order of the columns. */
export interface Printer {
  row(values: readonly string[]): void
  /** Writes what is still held back. Called once. */
  end(): void
}

export type OpenPrinter = (columns: readonly Column[], io: PrinterIo) => Printer

export interface PrinterIo {
  readonly write: (text: string) => void
  /** Characters in a line of the terminal; 80 where there is none. */
  readonly width: number
}

/**
 * Text for a terminal or a line: control characters as `\x1b`, since names come from strangers. Dovecot writes them as they
 * are.
 */
export function printableValue(text: string): string {
  return /[\u0000-\u001f\u007f-\u009f]/.test(text)
    ? text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text
}

/** A value of a column as a terminal may have it. */
export function shownValue({ text }: Column, value: string): string {
  return text === undefined ? printableValue(value) : value
}
