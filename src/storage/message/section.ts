import { CrlfWriter, type Window } from './crlf.ts'
import { rawFields } from './header.ts'
import type { MessagePart } from './message-part.ts'

/** What BODY[...] asks for. RFC 3501 section 6.4.5. */
export interface SectionRequest {
  /** `[1, 2]` of `BODY[1.2]`; empty for the message itself. */
  readonly path: readonly number[]
  readonly of: SectionPiece
}

/** The part itself; its MIME header; header or body of the message it is; some fields of that header. */
export type SectionPiece =
  | 'all'
  | 'mime'
  | 'header'
  | 'text'
  | { readonly fields: readonly string[]; readonly not: boolean }

/** Where a section is in the stored message. */
export type SectionSpan =
  | {
      readonly kind: 'bytes'
      readonly start: number
      readonly physical: number
      /** What is sent, CRLF line ends. */
      readonly virtual: number
    }
  | {
      /** A selection of the header at start..start + physical, to be made by `selectFields`. */
      readonly kind: 'fields'
      readonly start: number
      readonly physical: number
      readonly fields: readonly string[]
      readonly not: boolean
    }

/** Where a section is; `undefined` when the message has no such part, which FETCH answers with an empty string. */
export function locateSection(root: MessagePart, { path, of }: SectionRequest): SectionSpan | undefined {
  const found = path.length === 0 ? root : findPart(root, path)
  if (found === undefined) return undefined
  if (path.length === 0 && of === 'all') return wholeSpan(found)
  if (of === 'all') return bodySpan(found)
  if (of === 'mime') return headerSpan(found)
  const message = path.length === 0 ? found : found.kind === 'message' ? found.children[0] : undefined
  if (message === undefined) return undefined
  if (of === 'text') return bodySpan(message)
  if (of === 'header') return headerSpan(message)
  return { kind: 'fields', start: message.start, physical: message.header.physical, ...of }
}

function wholeSpan({ start, header, body }: MessagePart): SectionSpan {
  return {
    kind: 'bytes',
    start,
    physical: header.physical + body.physical,
    virtual: header.virtual + body.virtual,
  }
}

function headerSpan({ start, header }: MessagePart): SectionSpan {
  return { kind: 'bytes', start, physical: header.physical, virtual: header.virtual }
}

function bodySpan({ start, header, body }: MessagePart): SectionSpan {
  return { kind: 'bytes', start: start + header.physical, physical: body.physical, virtual: body.virtual }
}

/** Part numbers go into multiparts, and through a message/rfc822 into the message inside. */
function findPart(root: MessagePart, path: readonly number[]): MessagePart | undefined {
  let part: MessagePart | undefined = root
  for (const [level, number] of path.entries()) {
    if (level > 0 && part.kind === 'message') part = part.children[0]
    if (part === undefined) return undefined
    if (part.kind === 'multipart') part = part.children[number - 1]
    else if (number !== 1 || (level < path.length - 1 && part.kind !== 'message')) return undefined
    if (part === undefined) return undefined
  }
  return part
}

/** Bytes BODY[section]<offset.size> sends, of a message in memory. */
export function readSection(message: Buffer, root: MessagePart, request: SectionRequest, window?: Window): Buffer {
  const span = locateSection(root, request)
  if (span === undefined) return Buffer.alloc(0)
  const stored = message.subarray(span.start, span.start + span.physical)
  const wanted = span.kind === 'fields' ? selectFields(stored, span) : stored
  return new CrlfWriter(window).convert(wanted)
}

/**
 * The fields of a header that are named, or with `not` all others, as sent. Named ones are followed by an empty line, others
 * when the header has one.
 */
export function selectFields(
  header: Buffer,
  { fields, not }: { readonly fields: readonly string[]; readonly not: boolean },
): Buffer {
  const names = new Set(fields.map((name) => name.toLowerCase()))
  const pieces: Buffer[] = []
  let end = 0
  for (const { name, start, next } of rawFields(header)) {
    if (names.has(name.replace(/\0.*$/s, '')) !== not) pieces.push(header.subarray(start, next))
    end = next
  }
  const ended = end < header.length
  if (ended) pieces.push(header.subarray(end))
  const selected = new CrlfWriter().convert(Buffer.concat(pieces))
  return ended || not ? selected : withEmptyLine(selected)
}

function withEmptyLine(selected: Buffer): Buffer {
  const terminated = selected.length === 0 || selected.at(-1) === 0x0a
  return Buffer.concat([selected, Buffer.from(terminated ? '\r\n' : '\r\n\r\n')])
}
