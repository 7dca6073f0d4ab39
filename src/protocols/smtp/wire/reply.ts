/** SMTP replies: `250-text`, `250 text`, with enhanced status codes (RFC 2034). RFC 5321 §4.2. */

export interface SmtpReply {
  readonly code: number
  /** `2.1.0`, when the first line has one. */
  readonly enhanced: string | undefined
  /** Lines as they came, code included. */
  readonly lines: readonly string[]
  /** The texts behind codes and enhanced codes. */
  readonly texts: readonly string[]
}

/** Replies with more lines than this are cut off as hostile. */
export const REPLY_LINES = 100

/** Reads a reply line by line. Throws SmtpSyntaxError when a line is none of a reply's. */
export async function readReply(readLine: () => Promise<string>): Promise<SmtpReply> {
  const lines: string[] = []
  for (;;) {
    const line = await readLine()
    const match = /^([2-5]\d\d)(?:([ -])(.*))?$/s.exec(line)
    if (match?.[1] === undefined || (lines[0] !== undefined && !lines[0].startsWith(match[1])))
      throw new SmtpSyntaxError(line)
    lines.push(line)
    if (match[2] !== '-') return makeReply(Number(match[1]), lines)
    if (lines.length >= REPLY_LINES) throw new SmtpSyntaxError('too many lines in a reply')
  }
}

/** The reply of a server that does not know ENHANCEDSTATUSCODES: what looks like one is text. */
export function withoutEnhanced(reply: SmtpReply): SmtpReply {
  return { ...reply, enhanced: undefined, texts: reply.lines.map((line) => line.slice(4)) }
}

/** A reply as lines with CRLF; `enhanced` stands before every text. */
export function formatReply(code: number, enhanced: string | undefined, texts: readonly string[]): string {
  const head = enhanced === undefined ? '' : `${enhanced} `
  return texts.map((text, index) => `${code}${index === texts.length - 1 ? ' ' : '-'}${head}${text}\r\n`).join('')
}

/** The other side's reply is no SMTP; `message` is the line. */
export class SmtpSyntaxError extends Error {
  override readonly name = 'SmtpSyntaxError'
}

/** The keyword lines of an EHLO or LHLO reply: upper-case keyword to its parameters. */
export function extensions(reply: SmtpReply): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const line of reply.lines.slice(1)) {
    const [keyword, ...parameters] = line.slice(4).trim().split(/\s+/)
    if (keyword !== undefined && keyword !== '') found.set(keyword.toUpperCase(), parameters)
  }
  return found
}

function makeReply(code: number, lines: readonly string[]): SmtpReply {
  const enhanced = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?: |$)/.exec(lines[0] ?? '')?.[1]
  const texts = lines.map((line) => {
    const text = line.slice(4)
    return enhanced !== undefined && text.startsWith(enhanced) ? text.slice(enhanced.length).trimStart() : text
  })
  return { code, enhanced, lines, texts }
}
