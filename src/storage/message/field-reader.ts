import { fieldName, findColon, isFold, lineText } from './header.ts'
import { MESSAGE_LIMITS } from './limits.ts'

/** A field as it stands in the message, one byte a character. */
export interface ReadField {
  /** Lower case, up to a NUL; the whole line where there is no colon. */
  readonly name: string
  /** What stands between name and value: a colon, with white space before it maybe. */
  readonly colon: string
  /** Everything behind the colon without the last line end. */
  readonly raw: string
  /** It ended with a line end. */
  readonly terminated: boolean
}

/** Puts fields together from lines, and from pieces of lines where they are long. Keeps only what is wanted. */
export class FieldReader {
  readonly #wants: (name: string) => boolean
  #name: string | undefined
  #colon = ''
  #keeping = false
  /** Where the value begins in the line at hand; -1 when it has none. */
  #valueFrom = 0
  #raw: string[] = []
  #rawLength = 0
  #midLine = false
  /** Line end of the line read last, which only counts when the field goes on. */
  #newline = ''

  constructor(wants: (name: string) => boolean) {
    this.#wants = wants
  }

  /** Whether a line that begins so belongs to the field at hand. */
  goesOn(first: number | undefined): boolean {
    return this.#midLine || (this.#name !== undefined && isFold(first))
  }

  /** A field begins at `start`. The one before must have ended. */
  begin(bytes: Buffer, start: number): void {
    const colon = findColon(bytes, start, bytes.length)
    const name = colon === -1 ? lineText(bytes, start, bytes.length) : fieldName(bytes, start, colon)
    const between = colon === -1 ? '' : bytes.toString('latin1', start + name.length, colon + 1)
    // As in C, a NUL ends a name.
    const nul = name.indexOf('\0')
    this.#name = nul === -1 ? name : name.slice(0, nul)
    this.#colon = nul === -1 ? between : name.slice(nul) + between
    this.#keeping = this.#wants(this.#name)
    this.#valueFrom = colon === -1 ? -1 : colon + 1
  }

  /** A line, or a piece of one, without its line end of `newlineBytes`: none, LF or CRLF. */
  line(bytes: Buffer, start: number, end: number, newlineBytes: number): void {
    if (this.#keeping) this.#keep(bytes, start, end)
    this.#newline = newlineBytes === 2 ? '\r\n' : newlineBytes === 1 ? '\n' : ''
    this.#midLine = newlineBytes === 0
    this.#valueFrom = 0
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const room = MESSAGE_LIMITS.fieldBytes - this.#rawLength
    if (this.#valueFrom === -1 || room <= 0) return
    const newline = this.#midLine ? '' : this.#newline
    const from = Math.max(start, this.#valueFrom)
    const text = newline + bytes.toString('latin1', from, Math.min(end, from + room))
    this.#raw.push(text)
    this.#rawLength += text.length
  }

  /** The field has ended; `undefined` when there is none, or nobody wants it. */
  end(terminated: boolean): ReadField | undefined {
    const name = this.#name
    const raw = this.#raw.length === 1 ? (this.#raw[0] ?? '') : this.#raw.join('')
    this.#name = undefined
    if (this.#raw.length > 0) this.#raw = []
    this.#rawLength = 0
    this.#newline = ''
    this.#midLine = false
    return name === undefined || !this.#keeping ? undefined : { name, colon: this.#colon, raw, terminated }
  }
}
