import { type Column, type OpenPrinter, shownValue } from './printer.ts'

/** `doveadm -f pager`: `title: value`, a line a value, and a form feed between rows. Texts begin on a line of their own. */
export const openPager: OpenPrinter = (columns, { write }) => {
  let isFirst = true
  return {
    row(values) {
      // A text in front takes its place, in Dovecot too.
      if (!isFirst && columns[0]?.text !== 'block') write('\f\n')
      isFirst = false
      for (const [index, column] of columns.entries()) write(pagerValue(column, values[index] ?? ''))
    },
    end: () => undefined,
  }
}

function pagerValue(column: Column, value: string): string {
  if (column.text === 'block') return `${column.title}:\n${value}`
  const shown = shownValue(column, value)
  return column.hideTitle === true ? `${shown}\n` : `${column.title}: ${shown}\n`
}
