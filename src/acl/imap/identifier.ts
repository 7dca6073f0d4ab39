// Identifiers of the IMAP ACL extension, RFC 4314 §2, as Dovecot spells them: `$group`, `!$override`, `-` before any of them.
import { assertNever } from '../../util/assert-never.ts'
import type { Identifier } from '../identifier.ts'

export interface ImapIdentifier {
  readonly identifier: Identifier
  /** Rights are taken away. */
  readonly isNegative: boolean
}

/** Names longer than this are nobody's. As in Dovecot 2.4. */
const MAX_IDENTIFIER_BYTES = 1024

/**
 * Reads an identifier that is not empty; a string is what to answer BAD with. `forGrant`: rights are about to be given, which
 * to everybody needs `acl_anyone = allow`.
 */
export function parseImapIdentifier(text: string, forGrant: boolean, allowsAnyone: boolean): ImapIdentifier | string {
  const isNegative = text.startsWith('-')
  const name = isNegative ? text.slice(1) : text
  if (!isPlain(name)) return 'Invalid identifier.'
  if (name.startsWith('#')) return `Global ACLs can't be modified: ${name}.`
  if ((name === 'anyone' || name === 'authenticated') && forGrant && !allowsAnyone) {
    return `'${name}' identifier is disallowed.`
  }
  return { isNegative, identifier: identifierOf(name) }
}

/** As GETACL shows it, without its sign. */
export function imapIdentifierText(identifier: Identifier): string {
  switch (identifier.kind) {
    case 'anyone':
    case 'authenticated':
    case 'owner':
      return identifier.kind
    case 'user':
      return identifier.name
    case 'group':
      return `$${identifier.name}`
    case 'group-override':
      return `!$${identifier.name}`
    default:
      return assertNever(identifier)
  }
}

function identifierOf(name: string): Identifier {
  if (name === 'anyone' || name === 'authenticated' || name === 'owner') return { kind: name }
  if (name.startsWith('$')) return { kind: 'group', name: name.slice(1) }
  return name.startsWith('!$') ? { kind: 'group-override', name: name.slice(2) } : { kind: 'user', name }
}

/** A line feed would add a line of its own to the file. */
function isPlain(name: string): boolean {
  return !hasControls(name) && name.isWellFormed() && Buffer.byteLength(name) <= MAX_IDENTIFIER_BYTES
}

function hasControls(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
