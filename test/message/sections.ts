import type { MessagePart } from '../../src/storage/message/message-part.ts'
import type { SectionPiece, SectionRequest } from '../../src/storage/message/section.ts'
import type { Window } from '../../src/storage/message/crlf.ts'

/** A section to ask for: as FETCH says it, as the reply names it, and as we take it. */
export interface AskedSection {
  readonly asked: string
  readonly named: string
  readonly request: SectionRequest
  readonly window?: Window
}

/** More are not asked of one message. */
const MAX_SECTIONS = 80

const ROOT_PIECES: readonly SectionPiece[] = [
  'all',
  'header',
  'text',
  { fields: ['SUBJECT', 'FROM', 'X-LONG', 'CONTENT-TYPE', 'NONE'], not: false },
  { fields: ['SUBJECT', 'FROM', 'X-LONG', 'CONTENT-TYPE', 'NONE'], not: true },
]
const PART_PIECES: readonly SectionPiece[] = ['all', 'mime', 'header', 'text', { fields: ['SUBJECT'], not: false }]
const WINDOWS: readonly Window[] = [
  { offset: 0, size: 10 },
  { offset: 7, size: 30 },
  { offset: 25, size: 1_000_000 },
  { offset: 1_000_000, size: 10 },
  { offset: 3, size: 1 },
]

/**
 * Sections worth comparing: the message, every part in every way, parts that are not there, and windows on some. No windows
 * on a message with a CR alone, over which Dovecot miscounts and hangs up.
 */
export function sectionsOf(message: Buffer, root: MessagePart): AskedSection[] {
  const paths = [...partPaths(root, []), [9], [1, 1, 1, 7], [2, 1]]
  const whole = [
    ...ROOT_PIECES.map((of) => section([], of)),
    ...paths.flatMap((path) => PART_PIECES.map((of) => section(path, of))),
  ].slice(0, MAX_SECTIONS)
  const loneCr = /\r(?!\n)/.test(message.toString('latin1'))
  const windows = (loneCr ? [] : WINDOWS).flatMap((window) =>
    whole.slice(0, 7).map(({ request }) => section(request.path, request.of, window)),
  )
  return unique([...whole, ...windows.filter(({ request }) => typeof request.of === 'string')])
}

function partPaths(part: MessagePart, path: readonly number[]): number[][] {
  const inner = part.kind === 'message' ? part.children[0] : part
  const here = path.length === 0 || part.kind === 'message'
  if (inner === undefined) return []
  if (inner.kind !== 'multipart')
    return here ? [[...path, 1], ...(inner === part ? [] : partPathsOfSingle(inner, [...path, 1]))] : []
  return inner.children.flatMap((child, at) => [[...path, at + 1], ...partPaths(child, [...path, at + 1])])
}

function partPathsOfSingle(part: MessagePart, path: readonly number[]): number[][] {
  return part.kind === 'message' ? partPaths(part, path) : []
}

function section(path: readonly number[], of: SectionPiece, window?: Window): AskedSection {
  const piece = typeof of === 'string' ? (of === 'all' ? '' : of.toUpperCase()) : fieldsPiece(of)
  const text = [path.join('.'), piece].filter((part) => part !== '').join('.')
  return {
    asked: `BODY.PEEK[${text}]${window === undefined ? '' : `<${window.offset}.${window.size}>`}`,
    named: `BODY[${text}]${window === undefined ? '' : `<${window.offset}>`}`,
    request: { path, of },
    ...(window === undefined ? {} : { window }),
  }
}

function fieldsPiece({ fields, not }: { readonly fields: readonly string[]; readonly not: boolean }): string {
  return `HEADER.FIELDS${not ? '.NOT' : ''} (${fields.join(' ')})`
}

function unique(sections: readonly AskedSection[]): AskedSection[] {
  return [...new Map(sections.map((one) => [one.named, one])).values()]
}
