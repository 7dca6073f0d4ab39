import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAclFile, writeAclFile } from './acl-file.ts'
import { type AclChange, changeLines } from './change.ts'
import { parseIdentifier } from './identifier.ts'
import { rightsOf } from './rights.ts'

const NOW = Date.UTC(2026, 0, 1)
const JUNE = Date.UTC(2026, 5, 1)

/** The file after the change, lines joined with ` / `; undefined when it is left alone. */
function change(file: string, id: string, changes: Omit<AclChange, 'identifier'>): string | undefined {
  const parsed = parseAclFile(Buffer.from(file.replaceAll(' / ', '\n')), { path: '/f', isStrict: false })
  assert.ok(parsed.kind === 'lines')
  const identifier = parseIdentifier(id) ?? assert.fail(id)
  const lines = changeLines(parsed.lines, { identifier, ...changes }, NOW)
  return (
    lines &&
    writeAclFile(lines)
      .toString()
      .trimEnd()
      .replaceAll('\n', ' / ')
      .replace(/(?<==\w+)$/, ' ')
  )
}

const replace = (letters: string) => ({ mode: 'replace', rights: rightsOf(letters) }) as const
const add = (letters: string) => ({ mode: 'add', rights: rightsOf(letters) }) as const
const remove = (letters: string) => ({ mode: 'remove', rights: rightsOf(letters) }) as const
const clear = { mode: 'clear' } as const

const rows: [
  file: string,
  id: string,
  changes: Omit<AclChange, 'identifier'>,
  result: string | undefined,
  why: string,
][] = [
  ['', 'user=bob', { positive: replace('rl') }, 'user=bob lr', 'a first entry'],
  ['user=bob lr', 'user=bob', { positive: replace('lr') }, undefined, 'nothing new'],
  ['# x / user=bob rl', 'user=bob', { positive: replace('lr') }, undefined, 'nor in another order, below a comment'],
  ['user=bob lr', 'user=bob', { positive: replace('i') }, 'user=bob i', 'replaced'],
  ['user=bob lr', 'user=bob', { positive: replace('') }, 'user=bob ', 'no rights: the entry stays'],
  ['user=ann lr', 'user=bob', { positive: replace('') }, undefined, 'no rights for nobody: nothing'],
  ['-user=bob w', 'user=bob', { positive: replace('') }, undefined, 'a negative part is not a positive one'],
  ['user=bob lr', 'user=bob', { positive: add('s') }, 'user=bob lrs', 'added'],
  ['', 'user=bob', { positive: add('s') }, 'user=bob s', 'added to nothing'],
  ['', 'user=bob', { positive: add('') }, undefined, 'nothing added to nothing'],
  ['user=bob lr', 'user=bob', { positive: remove('r') }, 'user=bob l', 'removed'],
  ['user=bob lr', 'user=bob', { positive: remove('lr') }, 'user=bob ', 'the last right: the entry stays'],
  ['', 'user=bob', { positive: remove('r') }, undefined, 'removed from nothing'],
  ['anyone lr', 'user=bob', { positive: remove('r') }, undefined, 'others are not touched'],
  ['user=bob lr / -user=bob w', 'user=bob', { positive: clear }, '-user=bob w', 'only the positive part goes'],
  ['user=bob lr / -user=bob w', 'user=bob', { negative: clear }, 'user=bob lr', 'only the negative part goes'],
  ['user=bob lr / -user=bob w', 'user=bob', { positive: clear, negative: clear }, '', 'both'],
  ['', 'user=bob', { positive: clear, negative: clear }, undefined, 'nothing to clear'],
  ['user=bob lr', 'user=bob', { negative: replace('w') }, 'user=bob lr / -user=bob w', 'a negative part'],
  [
    'user=bob lrz / user=ann lz',
    'user=bob',
    { positive: replace('l') },
    'user=ann lz / user=bob l',
    'unknown letters of others stay',
  ],
  ['user=bob lrz', 'user=bob', { positive: add('s') }, 'user=bob lrsz', 'and his own, when he gets more'],
  ['user=bob lr :plugin', 'user=bob', { positive: add('s') }, 'user=bob lrs :plugin', 'named rights stay'],
  ['user=bob l / user=bob r', 'user=bob', { positive: add('s') }, 'user=bob lrs', 'two lines become one'],
  ['user=ann l / user=ann r', 'user=bob', { positive: add('s') }, 'user=ann lr / user=bob s', 'also of others'],
  [
    'user=bob l',
    'user=bob',
    { positive: replace('lr'), until: JUNE },
    'user=bob lr :until=2026-06-01T00:00:00Z',
    'a grant that ends',
  ],
  [
    'user=bob l :until=2026-06-01T00:00:00Z',
    'user=bob',
    { positive: replace('lr') },
    'user=bob lr :until=2026-06-01T00:00:00Z',
    'an end stays when rights are replaced',
  ],
  [
    'user=bob l :until=2026-06-01T00:00:00Z',
    'user=bob',
    { positive: add('r') },
    'user=bob lr :until=2026-06-01T00:00:00Z',
    'or added',
  ],
  [
    'user=bob lr :until=2026-06-01T00:00:00Z',
    'user=bob',
    { positive: remove('r') },
    'user=bob l :until=2026-06-01T00:00:00Z',
    'or removed',
  ],
  [
    'user=bob l :until=2026-06-01T00:00:00Z',
    'user=bob',
    { positive: replace('l'), until: 'never' },
    'user=bob l',
    'it goes when told',
  ],
  [
    'user=bob l',
    'user=bob',
    { positive: add('r'), until: JUNE },
    'user=bob l / user=bob r :until=2026-06-01T00:00:00Z',
    'more for a while: a line of its own',
  ],
  ['user=ann l :until=2025-06-01', 'user=bob', { positive: add('r') }, 'user=bob r', 'what has ended is swept out'],
  ['user=ann l :until=2025-06-01', 'user=bob', { positive: remove('r') }, '', 'whenever a file is changed'],
]

for (const [file, id, changes, result, why] of rows) {
  test(`change: ${why}`, () => assert.equal(change(file, id, changes), result))
}
