// Modified UTF-7, the mailbox names of IMAP. RFC 3501 §5.1.3.

/** What stands for itself; NUL, controls, DEL and eight-bit characters do not. */
const PLAIN = /^[\x20-\x7e]*$/
const SHIFTED = /&([A-Za-z0-9+,]*)-/y

/**
 * The name that a modified UTF-7 text stands for; `undefined` when it is none. As strict as Dovecot: printable ASCII is not
 * encoded, encoded runs do not touch, surrogates come in pairs, no NUL; only the unused bits of a run may be anything.
 */
export function decodeMutf7(text: string): string | undefined {
  if (!PLAIN.test(text)) return undefined
  if (!text.includes('&')) return text
  let name = ''
  let at = 0
  while (at < text.length) {
    const shift = text.indexOf('&', at)
    if (shift < 0) return name + text.slice(at)
    name += text.slice(at, shift)
    SHIFTED.lastIndex = shift
    const run = SHIFTED.exec(text)?.[1]
    if (run === undefined) return undefined
    at = SHIFTED.lastIndex
    const decoded = run === '' ? '&' : decodeRun(run)
    if (decoded === undefined || (run !== '' && runFollows(text, at))) return undefined
    name += decoded
  }
  return name
}

/** A name as modified UTF-7; `undefined` for one with a surrogate that has no partner. */
export function encodeMutf7(name: string): string | undefined {
  if (PLAIN.test(name)) return name.replaceAll('&', '&-')
  if (!name.isWellFormed()) return undefined
  return name.replaceAll(/&|[^\x20-\x7e]+/g, (part) => (part === '&' ? '&-' : `&${encodeRun(part)}-`))
}

function runFollows(text: string, at: number): boolean {
  return text[at] === '&' && text[at + 1] !== '-'
}

function decodeRun(run: string): string | undefined {
  const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64')
  const units = Math.floor((run.length * 6) / 16)
  if (units === 0 || run.length !== Math.ceil((units * 16) / 6)) return undefined
  const text = bytes
    .subarray(0, units * 2)
    .swap16()
    .toString('utf16le')
  return text.isWellFormed() && !/[\0\x20-\x7e]/.test(text) ? text : undefined
}

function encodeRun(part: string): string {
  return Buffer.from(part, 'utf16le').swap16().toString('base64').replaceAll('=', '').replaceAll('/', ',')
}
