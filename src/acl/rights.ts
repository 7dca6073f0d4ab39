// The rights of RFC 4314 with Dovecot's `p` (post), their letters, names and the two orders in which Dovecot prints them.
import { compareBytes } from './byte-text.ts'

/** Letters and long names, in the order of MYRIGHTS and `doveadm acl rights`. */
export const RIGHT_TABLE = [
  { letter: 'l', name: 'lookup' },
  { letter: 'r', name: 'read' },
  { letter: 'w', name: 'write' },
  { letter: 's', name: 'write-seen' },
  { letter: 't', name: 'write-deleted' },
  { letter: 'i', name: 'insert' },
  { letter: 'p', name: 'post' },
  { letter: 'e', name: 'expunge' },
  { letter: 'k', name: 'create' },
  { letter: 'x', name: 'delete' },
  { letter: 'a', name: 'admin' },
] as const

export type RightLetter = (typeof RIGHT_TABLE)[number]['letter']
export type RightName = (typeof RIGHT_TABLE)[number]['name']

/** Long names: the eleven of the table, and any others that an entry names after its `:`. */
export type Rights = ReadonlySet<string>

/** The same rights in the order of files, `doveadm acl get` and GETACL: by long name. */
export const FILE_ORDER = RIGHT_TABLE.toSorted((one, other) => compareBytes(one.name, other.name))

export const NO_RIGHTS: Rights = new Set()
export const ALL_RIGHTS: Rights = new Set(RIGHT_TABLE.map(({ name }) => name))

const NAME_OF_LETTER: ReadonlyMap<string, RightName> = new Map(RIGHT_TABLE.map(({ letter, name }) => [letter, name]))
const LETTER_OF_NAME: ReadonlyMap<string, RightLetter> = new Map(RIGHT_TABLE.map(({ letter, name }) => [name, letter]))

/** The right of a letter; `undefined` for letters that are none, also for the obsolete `c` and `d`. */
export function rightOfLetter(letter: string): RightName | undefined {
  return NAME_OF_LETTER.get(letter)
}

export function letterOfRight(right: string): RightLetter | undefined {
  return LETTER_OF_NAME.get(right)
}

/** Rights written as letters in a program: `rightsOf('lrs')`. Letters that are none throw. */
export function rightsOf(letters: string): Rights {
  return new Set(
    Array.from(letters, (letter) => {
      const name = rightOfLetter(letter)
      if (name === undefined) throw new Error(`no right has the letter ${letter}`)
      return name
    }),
  )
}

/** Letters of the rights that have one, in the order of MYRIGHTS or of files. */
export function lettersOf(rights: Rights, order: 'myrights' | 'file'): string {
  const table: readonly { readonly letter: string; readonly name: string }[] =
    order === 'file' ? FILE_ORDER : RIGHT_TABLE
  let letters = ''
  for (const { letter, name } of table) if (rights.has(name)) letters += letter
  return letters
}

/** Rights without a letter, in byte order. */
export function namedRights(rights: Rights): readonly string[] {
  return sortedRights(rights).filter((right) => !LETTER_OF_NAME.has(right))
}

/** All of them in byte order, as Dovecot keeps and `doveadm acl get` prints them. */
export function sortedRights(rights: Rights): readonly string[] {
  return [...rights].toSorted(compareBytes)
}

export function hasLetter(rights: Rights, letter: RightLetter): boolean {
  return rights.has(NAME_OF_LETTER.get(letter) ?? '')
}

export function sameRights(one: Rights, other: Rights): boolean {
  return one.size === other.size && withoutRights(one, other).size === 0
}

export function uniteRights(one: Rights, other: Rights): Rights {
  return new Set([...one, ...other])
}

export function withoutRights(rights: Rights, taken: Rights): Rights {
  return new Set([...rights].filter((right) => !taken.has(right)))
}
