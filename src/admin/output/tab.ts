import { type OpenPrinter, shownValue } from './printer.ts'

/** `doveadm -f tab`: titles, then values, separated by tabs. */
export const openTab: OpenPrinter = (columns, { write }) => {
  write(`${columns.map(({ title }) => title).join('\t')}\n`)
  return {
    row: (values) => write(`${columns.map((column, index) => shownValue(column, values[index] ?? '')).join('\t')}\n`),
    end: () => undefined,
  }
}
