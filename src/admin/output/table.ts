import { type Column, type OpenPrinter, shownValue } from './printer.ts'

/** The rows that decide how wide the columns are: those that follow must do with it. */
const MEASURED_ROWS = 100

/**
 * `doveadm -f table`: columns padded with blanks. As in Dovecot, half of what is left of the line's width goes to the first
 * column that may expand, or to the last; when a table is too wide its columns give way, the last first.
 */
export const openTable: OpenPrinter = (columns, { write, width }) => {
  const held: (readonly string[])[] = []
  let widths: readonly number[] | undefined
  const writeRow = (values: readonly string[], columnWidths: readonly number[]): void =>
    write(`${columns.map((column, index) => pad(column, values[index] ?? '', columnWidths[index] ?? 0)).join(' ')}\n`)
  function flush(): void {
    widths = columnWidths(columns, held, width)
    const titles = columns.map((column, index) => pad(column, column.title, columnWidth(widths, index)))
    if (columns.some(({ hideTitle }) => hideTitle !== true)) write(`${titles.join(' ')}\n`)
    for (const row of held) writeRow(row, widths)
    held.length = 0
  }
  return {
    row(values) {
      const shown = columns.map((column, index) => shownValue(column, values[index] ?? ''))
      if (widths !== undefined) return writeRow(shown, widths)
      held.push(shown)
      if (held.length === MEASURED_ROWS) flush()
    },
    end() {
      if (widths === undefined) flush()
    },
  }
}

function columnWidth(widths: readonly number[] | undefined, index: number): number {
  return widths?.[index] ?? 0
}

interface Measured {
  readonly min: number
  width: number
}

/** How wide each column is. Exported for tests. */
export function columnWidths(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  lineWidth: number,
): readonly number[] {
  const measured = columns.map(({ title }, index) => measure(title, rows, index))
  const total = measured.reduce((sum, { width }) => sum + width, 0) + columns.length - 1
  if (total > lineWidth) shrink(measured, total - lineWidth)
  else {
    const expanding = measured[columns.findIndex(({ expand }) => expand === true)] ?? measured.at(-1)
    if (expanding !== undefined) expanding.width += Math.floor((lineWidth - total) / 2)
  }
  return measured.map(({ width }) => width)
}

function measure(title: string, rows: readonly (readonly string[])[], index: number): Measured {
  const lengths = [title, ...rows.map((row) => row[index] ?? '')].map(charLength)
  return { min: Math.min(...lengths), width: Math.max(...lengths) }
}

/** From the last column to the first: one that can give all that is too much gives it, and the others before it half of theirs. */
function shrink(measured: readonly Measured[], excess: number): void {
  for (const column of measured.toReversed()) {
    const spare = column.width - column.min
    if (spare >= excess) {
      column.width -= excess
      return
    }
    column.width -= Math.max(Math.floor(spare / 2), Math.min(spare, 1))
  }
}

function pad({ alignRight }: Column, text: string, width: number): string {
  const blanks = ' '.repeat(Math.max(0, width - charLength(text)))
  return alignRight === true ? blanks + text : text + blanks
}

/** Characters, not UTF-16 units: Dovecot counts those of UTF-8. */
function charLength(text: string): number {
  let length = 0
  for (const _ of text) length++
  return length
}
