// Identifiers and rights as `doveadm acl` takes and prints them: file syntax and long names.
import type { AclChange, PartChange } from '../change.ts'
import type { AclEntry } from '../entries.ts'
import { identifierText, parseIdentifier } from '../identifier.ts'
import { ALL_RIGHTS, RIGHT_TABLE, type Rights, sortedRights } from '../rights.ts'

export type DoveadmAclMode = 'set' | 'add' | 'remove' | 'delete'

/** Arguments that make no sense: a usage error, exit code 64. The message is Dovecot's. */
export class DoveadmAclUsage extends Error {
  override readonly name = 'DoveadmAclUsage'
}

/**
 * `acl set|add|remove MAILBOX ID RIGHT...`: rights are long names, `all` or `:name`, with `-` before those of the negative
 * part. `set` clears a part that is not mentioned; `delete` clears both. Throws DoveadmAclUsage.
 */
export function parseDoveadmChange(mode: DoveadmAclMode, id: string, words: readonly string[]): AclChange {
  const identifier = parseIdentifier(id)
  if (identifier === undefined || /[\n\r\0]/.test(id)) throw new DoveadmAclUsage(`Invalid ID: ${id}`)
  if (mode === 'delete') return { identifier, positive: { mode: 'clear' }, negative: { mode: 'clear' } }
  const positive = new Set<string>()
  const negative = new Set<string>()
  for (const word of words) {
    const right = word.startsWith('-') ? word.slice(1) : word
    const part = word.startsWith('-') ? negative : positive
    for (const name of rightsOfWord(right)) part.add(name)
  }
  const parts = { positive: partChange(mode, positive), negative: partChange(mode, negative) }
  return {
    identifier,
    ...(parts.positive && { positive: parts.positive }),
    ...(parts.negative && { negative: parts.negative }),
  }
}

/** One row of `acl get`. */
export interface AclRow {
  readonly id: string
  readonly global: '' | 'global'
  readonly rights: string
}

export function aclRow({ identifier, isGlobal, rights, negative, lines }: AclEntry): AclRow {
  // Ends of grants are no rights, but whoever administers them wants to see them, as Dovecot shows them too.
  const shown = (isNegative: boolean): Rights =>
    new Set(lines.filter((line) => line.isNegative === isNegative).flatMap((line) => [...line.rights]))
  const words = [
    ...(rights === undefined ? [] : sortedRights(shown(false))),
    ...(negative === undefined ? [] : sortedRights(shown(true)).map((right) => `-${right}`)),
  ]
  return { id: identifierText(identifier), global: isGlobal ? 'global' : '', rights: words.join(' ') }
}

/** What `acl rights` prints: names in the order of the table, others after them. */
export function rightsWords(rights: Rights): string {
  const known = RIGHT_TABLE.filter(({ name }) => rights.has(name)).map(({ name }) => name)
  return [...known, ...sortedRights(rights).filter((right) => !ALL_RIGHTS.has(right))].join(' ')
}

function rightsOfWord(word: string): Iterable<string> {
  if (word === 'all') return ALL_RIGHTS
  if (ALL_RIGHTS.has(word)) return [word]
  // A blank or comma would end the name in the file.
  if (/^:[^\s,\0]+$/.test(word)) return [word.slice(1)]
  throw new DoveadmAclUsage(`Invalid right '${word}'`)
}

function partChange(mode: 'set' | 'add' | 'remove', rights: Rights): PartChange | undefined {
  if (rights.size === 0) return mode === 'set' ? { mode: 'clear' } : undefined
  return { mode: mode === 'set' ? 'replace' : mode, rights }
}
