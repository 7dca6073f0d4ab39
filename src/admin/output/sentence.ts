import { type OpenPrinter, printableValue } from './printer.ts'

/** A format that is a sentence a row, such as `3 connections kicked`: what commands say that are not asked for a listing. */
export function sentencePrinter(write: (values: readonly string[]) => string): OpenPrinter {
  return (_columns, io) => ({
    row: (values) => io.write(write(values.map(printableValue))),
    end: () => undefined,
  })
}
