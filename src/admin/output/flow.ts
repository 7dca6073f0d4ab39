import { type OpenPrinter, printableValue } from './printer.ts'

/** `doveadm -f flow`: `title=value title=value`, a line a row. */
export const openFlow: OpenPrinter = (columns, { write }) => ({
  row: (values) =>
    write(`${columns.map(({ title }, index) => `${title}=${printableValue(values[index] ?? '')}`).join(' ')}\n`),
  end: () => undefined,
})
