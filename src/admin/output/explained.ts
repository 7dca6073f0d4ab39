import { type OpenPrinter, printableValue } from './printer.ts'

/** Rows of `right letter granted decided lost` as a person reads them, and what they amount to. */
export const openExplained: OpenPrinter = (columns, { write }) => {
  const skipped = columns.length - ROW_VALUES
  let letters: string | undefined
  return {
    row(values) {
      const [right = '', letter = '', granted = '', decided = '', lost = ''] = values.slice(skipped)
      letters = `${letters ?? ''}${granted === 'yes' ? letter : ''}`
      const before = values.slice(0, skipped).map((value) => `${value}: `)
      const head = `${before.join('')}${letter === '' ? ' ' : letter} ${right.padEnd(WIDTH)} ${granted.padEnd(3)}  `
      const others = lost === '' ? [] : [`${' '.repeat(head.length)}against: ${lost}`]
      for (const line of [`${head}${decided}`, ...others]) write(`${printableValue(line)}\n`)
    },
    end() {
      if (letters !== undefined) write(`Rights: ${letters === '' ? 'none' : letters}\n`)
    },
  }
}

const ROW_VALUES = 5
/** Of `write-deleted`. */
const WIDTH = 13
