import { type Column, type OpenPrinter, shownValue } from './printer.ts'

/** `doveadm -f flow`: `title=value title=value`, a line a row. */
export const openFlow: OpenPrinter = (columns, { write }) => ({
  row: (values) => write(`${columns.map((column, index) => flowValue(column, values[index] ?? '')).join(' ')}\n`),
  end: () => undefined,
})

function flowValue(column: Column, value: string): string {
  const shown = shownValue(column, value)
  return column.hideTitle === true ? shown : `${column.title}=${shown}`
}
