// One line of a dovecot-acl file: `<identifier> [<letters>] [:<named rights>]`. Reader and writer.
import { type Identifier, identifierText, parseIdentifier } from './identifier.ts'
import { expiryOf } from './expiry.ts'
import { lettersOf, namedRights, type Rights, rightOfLetter } from './rights.ts'

/** Where an entry was read. */
export interface Origin {
  readonly path: string
  /** From 1. */
  readonly line: number
  /** The mailbox pattern before the entry, in a global file. */
  readonly pattern?: string
}

export interface AclLine {
  readonly identifier: Identifier
  /** Written with `-`: takes these rights away. */
  readonly isNegative: boolean
  readonly rights: Rights
  /** Letters that mean nothing to us. They are kept when the file is written again. */
  readonly unknownLetters: string
  /** After this the line counts as absent, in milliseconds since 1970. */
  readonly expiresAtMs?: number
  readonly origin?: Origin
}

export type ParsedAclLine =
  | { readonly kind: 'line'; readonly line: AclLine }
  | { readonly kind: 'error'; readonly reason: string }

/**
 * Reads a line without its line feed. The reasons are Dovecot's. `isStrict` (`acl_strict`) refuses an unknown letter as
 * Dovecot does; otherwise it is set aside.
 */
export function parseAclLine(text: string, isStrict: boolean): ParsedAclLine {
  const split = text.startsWith('"') ? readQuoted(text) : splitAtSpace(text)
  if (split === undefined) return { kind: 'error', reason: 'Invalid quoted ID' }
  const isNegative = split.id.startsWith('-')
  const id = isNegative ? split.id.slice(1) : split.id
  const identifier = parseIdentifier(id)
  // Dovecot tells of the identifier when both are wrong.
  if (identifier === undefined) return { kind: 'error', reason: `Unknown ID '${id}'` }
  const parsed = parseRights(split.rest, isStrict)
  if (typeof parsed === 'string') return { kind: 'error', reason: parsed }
  return { kind: 'line', line: aclLine({ identifier, isNegative, ...parsed }) }
}

/** A line with its expiry, which is among its rights. */
export function aclLine(parts: Omit<AclLine, 'expiresAtMs'>): AclLine {
  const expiresAtMs = expiryOf(parts.rights)
  return expiresAtMs === undefined ? parts : { ...parts, expiresAtMs }
}

/** The line without a line feed, as Dovecot writes it. */
export function writeAclLine({ identifier, isNegative, rights, unknownLetters }: Omit<AclLine, 'origin'>): string {
  const id = `${isNegative ? '-' : ''}${identifierText(identifier)}`
  const quoted = id.includes(' ') ? `"${id.replaceAll(/["'\\]/g, String.raw`\$&`)}"` : id
  const named = namedRights(rights)
  return `${quoted} ${lettersOf(rights, 'file')}${unknownLetters}${named.length > 0 ? ` :${named.join(' ')}` : ''}`
}

interface SplitLine {
  readonly id: string
  readonly rest: string
}

function splitAtSpace(text: string): SplitLine {
  const space = text.indexOf(' ')
  return space < 0 ? { id: text, rest: '' } : { id: text.slice(0, space), rest: text.slice(space + 1) }
}

function readQuoted(text: string): SplitLine | undefined {
  const quoted = unquote(text)
  if (quoted === undefined || !(quoted.rest === '' || quoted.rest.startsWith(' '))) return undefined
  return { id: quoted.value, rest: quoted.rest.slice(1) }
}

/** A string in double quotes at the beginning, with backslash escapes, and what follows it. */
export function unquote(text: string): { readonly value: string; readonly rest: string } | undefined {
  const [whole, inner] = /^"((?:[^"\\]|\\.)*)"/s.exec(text) ?? []
  if (whole === undefined || inner === undefined) return undefined
  return { value: inner.replaceAll(/\\(.)/gs, '$1'), rest: text.slice(whole.length) }
}

/** The rights, or why there are none. */
function parseRights(text: string, isStrict: boolean): { rights: Rights; unknownLetters: string } | string {
  const [, letters = '', rest = ''] = /^[ \t]*([^ \t:]*)[ \t]*(.*)$/s.exec(text) ?? []
  const rights = new Set<string>()
  let unknownLetters = ''
  for (const letter of letters) {
    const right = rightOfLetter(letter)
    if (right !== undefined) rights.add(right)
    else if (isStrict) return `Unknown ACL '${letter}'`
    else if (!unknownLetters.includes(letter)) unknownLetters += letter
  }
  if (rest !== '' && !rest.startsWith(':')) return "Missing ':' prefix in ACL extensions"
  for (const name of rest.slice(1).split(/[ \t,]+/)) if (name !== '') rights.add(name)
  return { rights, unknownLetters }
}
