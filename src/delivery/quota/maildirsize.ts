/** The text of a `maildirsize` file (Maildir++ quota), and when it can be believed, both as in Dovecot. */
import type { QuotaAmount } from '../../storage/quota-hook.ts'
import type { QuotaLimit } from './quota-rule.ts'

/** A file that grew so large is counted anew. */
export const MAILDIRSIZE_BYTES = 5120
/** A file of one line was counted so lately that it is believed even when it says that the limit is passed. */
const FRESH_MS = 15 * 60_000

export interface MaildirsizeText {
  /** All of it, or its first MAILDIRSIZE_BYTES bytes. */
  readonly text: string
  /** How long ago it was changed. */
  readonly ageMs: number
}

/** What is used, says the file; `undefined` when it is not to be believed and mailboxes must be counted. */
export function readMaildirsize({ text, ageMs }: MaildirsizeText, limit: QuotaLimit): QuotaAmount | undefined {
  if (text.length >= MAILDIRSIZE_BYTES) return undefined
  // What is behind the last line feed is being written.
  const [header, ...lines] = text.split('\n').slice(0, -1)
  const written = header === undefined ? undefined : parseLimit(header)
  if (written?.sizeBytes !== limit.sizeBytes || written.messages !== limit.messages) return undefined
  const used = sumOf(lines)
  if (used === undefined || used.sizeBytes < 0 || used.messages < 0) return undefined
  if (isOver(used, limit) && (lines.length !== 1 || ageMs >= FRESH_MS)) return undefined
  return used
}

function parseLimit(header: string): QuotaLimit | undefined {
  const limit = { sizeBytes: 0, messages: 0 }
  for (const part of header.split(',')) {
    const [, digits, letter] = /^(\d+)([A-Za-z])$/.exec(part) ?? []
    if (digits === undefined) return undefined
    if (letter === 'S') limit.sizeBytes = Number(digits)
    if (letter === 'C') limit.messages = Number(digits)
  }
  return limit
}

function sumOf(lines: readonly string[]): QuotaAmount | undefined {
  let [sizeBytes, messages] = [0, 0]
  for (const line of lines) {
    const [, size, count] = /^\s*([+-]?\d+)\s+([+-]?\d+)/.exec(line) ?? []
    if (size === undefined) return undefined
    sizeBytes += Number(size)
    messages += Number(count)
  }
  return { sizeBytes, messages }
}

function isOver(used: QuotaAmount, limit: QuotaLimit): boolean {
  return (
    (limit.sizeBytes > 0 && used.sizeBytes > limit.sizeBytes) || (limit.messages > 0 && used.messages > limit.messages)
  )
}

/** A whole file: the limits, and what is used. */
export function writeMaildirsize(limit: QuotaLimit, used: QuotaAmount): string {
  const size = limit.sizeBytes > 0 ? [`${limit.sizeBytes}S`] : []
  const count = limit.messages > 0 ? [`${limit.messages}C`] : []
  return `${[...size, ...count].join(',') || '0S'}\n${maildirsizeLine(used)}`
}

/** A line for the end of a file. */
export function maildirsizeLine({ sizeBytes, messages }: QuotaAmount): string {
  return `${sizeBytes} ${messages}\n`
}
