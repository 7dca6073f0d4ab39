/** ManageSieve's words: atoms, quoted strings and literals. RFC 5804 §1.2, §4. Text is latin1-held bytes. */

export type Word = { readonly kind: 'atom' | 'string'; readonly text: string }

/** A line is read in pieces: a literal's bytes come after the line that announces them. */
export type ReadStep =
  | { readonly kind: 'complete' }
  | { readonly kind: 'literal'; readonly sizeBytes: number; readonly synchronizing: boolean }
  | { readonly kind: 'bad' }

/** Reads the words of one command. Feed it the first line, then for every literal its bytes and the rest of the line. */
export class WordReader {
  readonly words: Word[] = []

  line(text: string): ReadStep {
    let at = 0
    while (at < text.length) {
      if (text[at] === ' ') {
        at++
        continue
      }
      const piece = text.slice(at)
      const literal = /^\{(\d{1,10})(\+)?\}$/.exec(piece)
      if (literal !== null)
        return { kind: 'literal', sizeBytes: Number(literal[1]), synchronizing: literal[2] === undefined }
      const match = piece.startsWith('"')
        ? /^"((?:[^"\\\0]|\\["\\])*)"(?= |$)/s.exec(piece)
        : /^[^\s"{}\0-\x1f\x7f]+(?= |$)/.exec(piece)
      if (match === null) return { kind: 'bad' }
      this.words.push(
        match[1] === undefined ? { kind: 'atom', text: match[0] } : { kind: 'string', text: unescape(match[1]) },
      )
      at += match[0].length
    }
    return { kind: 'complete' }
  }

  literal(bytes: string): void {
    this.words.push({ kind: 'string', text: bytes })
  }
}

/** A quoted string where one can hold the text (RFC 5804 §4: at most 1024 bytes, no line breaks), else a literal. */
export function writeString(text: string): string {
  if (text.length > 1024 || /[\0\r\n]/.test(text)) return `{${text.length}+}\r\n${text}`
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** A text in a reply, which Dovecot always quotes. */
export function quoted(text: string): string {
  return `"${text.replace(/[\0-\x1f\x7f]/g, ' ').replace(/["\\]/g, '\\$&')}"`
}

/** `OK`, `NO` or `BYE` with its optional code in parentheses and its text. */
export interface SieveReply {
  readonly status: 'OK' | 'NO' | 'BYE'
  /** What is between the parentheses: `TRYLATER`, `SASL "..."`. */
  readonly code: string | undefined
  /** The whole line. */
  readonly line: string
  readonly text: string
}

/** `undefined` when the line is no reply (a capability line, for example). */
export function parseReply(line: string): SieveReply | undefined {
  const match = /^(OK|NO|BYE)(?: \(((?:[^()"]|"(?:[^"\\]|\\.)*")*)\))?(?: (.*))?$/is.exec(line)
  if (match?.[1] === undefined) return undefined
  const rest = match[3] ?? ''
  const text = /^"((?:[^"\\]|\\.)*)"$/s.exec(rest)?.[1]
  return {
    status: match[1].toUpperCase() as SieveReply['status'],
    code: match[2],
    line,
    text: text === undefined ? rest : unescape(text),
  }
}

function unescape(text: string): string {
  return text.replace(/\\(.)/gs, '$1')
}
