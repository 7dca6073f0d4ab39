// Rights on the IMAP wire: the letters of files, and the obsolete `c` and `d` of RFC 2086 beside them. RFC 4314 §2.1.1.
import { lettersOf, rightOfLetter, type Rights } from '../rights.ts'

/** What SETACL does to an entry. */
export interface RightsChange {
  readonly mode: 'replace' | 'add' | 'remove'
  readonly rights: Rights
}

const VIRTUAL: ReadonlyMap<string, readonly string[]> = new Map([
  ['c', ['create', 'delete']],
  ['d', ['write-deleted', 'expunge']],
])

/** `lrs`, `+s`, `-cd`; a string is what to answer BAD with. */
export function parseRightsChange(text: string): RightsChange | string {
  const sign = text[0]
  const mode = sign === '+' ? 'add' : sign === '-' ? 'remove' : 'replace'
  const rights = new Set<string>()
  for (const letter of mode === 'replace' ? text : text.slice(1)) {
    const right = rightOfLetter(letter)
    const meant = right === undefined ? VIRTUAL.get(letter) : [right]
    if (meant === undefined) return `Invalid ACL right: ${letter}.`
    for (const name of meant) rights.add(name)
  }
  return { mode, rights }
}

/** Letters for the client; empty when there are none, to be sent as `""`. Rights without a letter are not shown. */
export function imapRights(rights: Rights, order: 'myrights' | 'file'): string {
  const create = rights.has('create') || rights.has('delete') ? 'c' : ''
  const remove = rights.has('write-deleted') || rights.has('expunge') ? 'd' : ''
  return lettersOf(rights, order) + create + remove
}

/** What LISTRIGHTS says after mailbox and identifier, whoever asks: every right may be given alone. */
export const LISTRIGHTS: readonly string[] = ['', 'l', 'r', 'w', 's', 't', 'p', 'i', 'e', 'k', 'x', 'a', 'c', 'd']
