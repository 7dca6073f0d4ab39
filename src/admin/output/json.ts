import type { OpenPrinter } from './printer.ts'

/** `doveadm -f json`: an array of objects in one line, without a line end. All values are strings. */
export const openJson: OpenPrinter = (columns, { write }) => {
  let separator = ''
  write('[')
  return {
    row(values) {
      const fields = columns.map(({ key }, index) => `${quote(key)}:${quote(values[index] ?? '')}`)
      write(`${separator}{${fields.join(',')}}`)
      separator = ','
    },
    end: () => write(']'),
  }
}

/** Line separators are legal in JSON and not in JavaScript: Dovecot escapes them. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`)
}
