// Changes to the entries of one identifier, as SETACL, DELETEACL and doveadm make them. Pure.
import { writeAclFile } from './acl-file.ts'
import { type AclLine, aclLine } from './acl-line.ts'
import { expiryRight, isExpiryRight } from './expiry.ts'
import { type Identifier, identifierText, sameIdentifier } from './identifier.ts'
import { NO_RIGHTS, type Rights, uniteRights, withoutRights } from './rights.ts'

export type PartChange =
  | { readonly mode: 'replace' | 'add' | 'remove'; readonly rights: Rights }
  /** The part goes away altogether. */
  | { readonly mode: 'clear' }

export interface AclChange {
  readonly identifier: Identifier
  readonly positive?: PartChange
  readonly negative?: PartChange
  /** The grant ends then, in milliseconds since 1970; `never`: it does not, whatever was said before. */
  readonly until?: number | 'never'
}

/** The lines after the change, lines that have ended left out; `undefined`: nothing changes. */
export function changeLines(
  lines: readonly AclLine[],
  change: AclChange,
  nowMs: number,
): readonly AclLine[] | undefined {
  const alive = lines.filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs)
  const others = alive.filter(({ identifier }) => !sameIdentifier(identifier, change.identifier))
  const own = alive.filter(({ identifier }) => sameIdentifier(identifier, change.identifier))
  const changed = [
    ...changePart(
      own.filter(({ isNegative }) => !isNegative),
      change.positive,
      false,
    ),
    ...changePart(
      own.filter(({ isNegative }) => isNegative),
      change.negative,
      true,
    ),
  ]
  const result = uniteLines([...others, ...changed])
  return writeAclFile(result).equals(writeAclFile(uniteLines(lines))) ? undefined : result

  function changePart(
    part: readonly AclLine[],
    partChange: PartChange | undefined,
    isNegative: boolean,
  ): readonly AclLine[] {
    switch (partChange?.mode) {
      case undefined:
        return part
      case 'clear':
        return []
      case 'remove':
        return part.map((line) => withRights(line, withoutRights(line.rights, partChange.rights)))
      case 'add':
        return added(part, line(isNegative, partChange.rights), change.until)
      case 'replace':
        // Saying "no rights" where none were given makes no entry.
        if (partChange.rights.size === 0 && part.length === 0) return []
        return [withEnd(line(isNegative, partChange.rights), change.until ?? latestEnd(part))]
    }
  }

  function line(isNegative: boolean, rights: Rights): AclLine {
    return { identifier: change.identifier, isNegative, rights, unknownLetters: '' }
  }
}

/** Lines that say the same of the same become one; those that end at different times stay apart. */
export function uniteLines(lines: readonly AclLine[]): readonly AclLine[] {
  const united = new Map<string, AclLine>()
  for (const line of lines) {
    const key = `${line.isNegative} ${line.expiresAtMs} ${identifierText(line.identifier)}`
    const same = united.get(key)
    united.set(key, same === undefined ? line : unitedWith(same, line))
  }
  return [...united.values()]
}

function unitedWith(line: AclLine, { rights, unknownLetters }: AclLine): AclLine {
  const letters = new Set(line.unknownLetters + unknownLetters)
  return { ...line, rights: uniteRights(line.rights, rights), unknownLetters: [...letters].join('') }
}

/** Adds to a part: to the line that ends at the same time or, without a word about an end, to one that lasts longest. */
function added(part: readonly AclLine[], line: AclLine, until: AclChange['until']): readonly AclLine[] {
  if (line.rights.size === 0) return part
  return uniteLines([...part, withEnd(line, until ?? latestEnd(part))])
}

/** When the last line of a part ends; `never` when one does not, or there is none. */
function latestEnd(part: readonly AclLine[]): number | 'never' {
  if (part.length === 0) return 'never'
  const latestMs = Math.max(...part.map(({ expiresAtMs }) => expiresAtMs ?? Number.POSITIVE_INFINITY))
  return Number.isFinite(latestMs) ? latestMs : 'never'
}

function withEnd(line: AclLine, until: number | 'never'): AclLine {
  return withRights(line, until === 'never' ? line.rights : uniteRights(line.rights, new Set([expiryRight(until)])))
}

/** The line with other rights; its end stays, unless the new rights name another. */
function withRights(
  { identifier, isNegative, unknownLetters, rights: before, origin }: AclLine,
  rights: Rights,
): AclLine {
  const ends = [...rights].some(isExpiryRight) ? NO_RIGHTS : new Set([...before].filter(isExpiryRight))
  return aclLine({
    identifier,
    isNegative,
    unknownLetters,
    rights: uniteRights(rights, ends),
    ...(origin && { origin }),
  })
}
