import { type OpenPrinter, printableValue } from './printer.ts'

/** `doveadm -f pager`: `title: value`, a line a value, and a form feed between rows. */
export const openPager: OpenPrinter = (columns, { write }) => {
  let isFirst = true
  return {
    row(values) {
      if (!isFirst) write('\f\n')
      isFirst = false
      for (const [index, { title }] of columns.entries()) write(`${title}: ${printableValue(values[index] ?? '')}\n`)
    },
    end: () => undefined,
  }
}
