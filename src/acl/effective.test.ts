import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAclFile } from './acl-file.ts'
import { effectiveRights, weighEntries } from './effective.ts'
import { type AclEntry, sortEntries } from './entries.ts'
import type { Viewer } from './identifier.ts'
import { lettersOf } from './rights.ts'

const ALL = 'lrwstipekxa'
const NOW = Date.UTC(2026, 0, 1)

function entries(local: string, global = ''): readonly AclEntry[] {
  const [localLines, globalLines] = [local, global].map((text) => {
    const parsed = parseAclFile(Buffer.from(text.replaceAll(' / ', '\n')), { path: '/f', isStrict: true })
    assert.ok(parsed.kind === 'lines', text)
    return parsed.lines
  })
  return sortEntries(localLines ?? [], globalLines ?? [], NOW).entries
}

function viewer(user: string | undefined, groups = '', isOwner = false): Viewer {
  return { user, groups: new Set(groups === '' ? [] : groups.split(',')), isOwner }
}

const olga = viewer('olga', '', true)
const olgaInStaff = viewer('olga', 'staff', true)
const bob = viewer('bob', 'staff')
const carol = viewer('carol', 'staff,tempdisabled')
const multi = viewer('multi', 'g1,g2')
const dave = viewer('dave')

/** `-` stands for no rights at all. */
const matrix: [file: string, rights: [olga: string, bob: string, carol: string, multi: string, dave: string]][] = [
  ['anyone lr / authenticated lrs', [ALL, 'lrs', 'lrs', 'lrs', 'lrs']],
  ['anyone lrw / group=staff lr', [ALL, 'lr', 'lr', 'lrw', 'lrw']],
  ['group=staff lrw / user=bob l', [ALL, 'l', 'lrw', '-', '-']],
  ['group=staff lrw / group-override=tempdisabled', [ALL, 'lrw', '-', '-', '-']],
  ['group=g1 lr / group=g2 lw', [ALL, '-', '-', 'lrw', '-']],
  ['group-override=g1 lr / group-override=g2 lw', [ALL, '-', '-', 'lrw', '-']],
  ['anyone lrw / -user=bob w', [ALL, 'lr', 'lrw', 'lrw', 'lrw']],
  ['anyone lrw / -group=staff w / user=bob lrw', [ALL, 'lr', 'lr', 'lrw', 'lrw']],
  ['-anyone w / group=staff lrw / user=bob lrwst', [ALL, 'lrst', 'lr', '-', '-']],
  ['owner lr / user=olga lrw', ['lrw', '-', '-', '-', '-']],
  ['-owner x', ['lrwstipeka', '-', '-', '-', '-']],
  ['-anyone x', [ALL, '-', '-', '-', '-']],
  ['', [ALL, '-', '-', '-', '-']],
  ['owner ', ['-', '-', '-', '-', '-']],
  ['user=dave', [ALL, '-', '-', '-', '-']],
]

for (const [file, rights] of matrix) {
  test(`rights by ${JSON.stringify(file)}`, () => {
    const seen = [olga, bob, carol, multi, dave].map((who) =>
      lettersOf(effectiveRights(entries(file), [], who), 'myrights'),
    )
    assert.deepEqual(
      seen.map((letters) => (letters === '' ? '-' : letters)),
      rights,
    )
  })
}

const rows: [local: string, global: string, defaults: string, who: Viewer, rights: string, why: string][] = [
  ['user=bob lrw / group-override=staff l', '', '', olgaInStaff, 'l', 'group-override limits even the owner'],
  ['owner lrwstipekxa / -group-override=staff x', '', '', olgaInStaff, 'lrwstipeka', 'and takes from him'],
  ['user=olga lr', '', '', olga, 'lr', 'user=<owner> limits the owner'],
  [
    'anyone lrw / group=staff l / authenticated lr',
    '',
    '',
    olgaInStaff,
    ALL,
    'weak local classes are nothing to the owner',
  ],
  ['', 'anyone lr', '', olga, 'lr', 'weak global ones are'],
  ['', '-anyone x', '', olga, 'lrwstipeka', 'a global denial for all'],
  ['owner lrw / user=admin lrws', 'anyone l', '', olga, 'l', 'any global entry replaces local ones'],
  ['owner lrw / user=admin lrws', 'anyone l', '', viewer('admin'), 'l', 'for others too'],
  ['user=admin lrw', 'user=admin l', '', viewer('admin'), 'l', 'global wins'],
  ['user=admin lrw', 'group=x lr', '', viewer('admin'), 'lrw', 'a global entry for others is nothing'],
  ['user=bob lrw / -user=bob w', '-group=staff x', '', bob, 'lrw', 'local denials do not survive a global entry'],
  ['user=bob lrw / -user=bob w', '-group=x x', '', bob, 'lr', 'unless it is for others'],
  ['user=bob lrw', '-user=bob w', '', bob, 'lr', 'a global denial leaves the rest'],
  ['-anyone w / -user=bob s / user=bob lrwst', '', '', bob, 'lrwt', 'a later denial replaces an earlier one'],
  [
    'anyone lrw / -group=a x / group=b s',
    '',
    '',
    viewer('u', 'a,b'),
    'lrws',
    'a denial first: the group adds to anyone',
  ],
  ['anyone lrw / group=a s / -group=b x', '', '', viewer('u', 'a,b'), 's', 'the other way round it replaces'],
  ['anyone lr', '', '', viewer(undefined), 'lr', 'anyone without a name'],
  ['authenticated lr', '', '', viewer(undefined), '', 'who is not authenticated'],
  ['user= lr', '', '', viewer(undefined), '', 'an empty name is nobody'],
  ['user=bob l / user=bob r', '', '', bob, 'lr', 'two lines of one identifier unite'],
  ['-user=bob r / user=bob lrw / -user=bob w', '', '', bob, 'l', 'their denials too'],
  ['', '', 'anyone lr', bob, 'lr', 'the default object'],
  ['', '', 'owner l', olga, ALL, 'is nothing to the owner'],
  ['-user=bob w', '', 'anyone lr', bob, '', 'a denial alone counts as a match'],
  ['user=dave w', '', 'anyone lr', bob, 'lr', 'an entry for others does not'],
  ['', '', '-anyone w', bob, '', 'a default that only denies'],
  ['user=bob lr', '', 'anyone lrwstipekxa', bob, 'lr', 'never merged with local entries'],
  ['user=bob lr :until=2026-06-01', '', '', bob, 'lr', 'a grant that has not ended'],
  ['user=bob lr :until=2025-06-01', '', 'anyone l', bob, 'l', 'one that has counts as absent'],
  ['user=bob lr / user=bob w :until=2025-06-01', '', '', bob, 'lr', 'line by line'],
  ['anyone lr / -user=bob r :until=2025-06-01', '', '', bob, 'lr', 'denials end too'],
]

for (const [local, global, defaults, who, rights, why] of rows) {
  test(`rights: ${why}`, () => {
    assert.equal(lettersOf(effectiveRights(entries(local, global), entries(defaults), who), 'myrights'), rights)
  })
}

test('names without a letter make a set that is not empty; an end is no right', () => {
  assert.deepEqual([...weighEntries(entries('user=bob :custom until=2026-06-01'), bob).rights], ['custom'])
})

test('entries tell when the next of them ends', () => {
  const parsed = parseAclFile(
    Buffer.from('user=a l :until=2026-03-01\nuser=b l :until=2026-02-01\nuser=c l :until=2025-01-01\n'),
    {
      path: '/f',
      isStrict: true,
    },
  )
  assert.ok(parsed.kind === 'lines')
  const sorted = sortEntries(parsed.lines, [], NOW)
  assert.equal(sorted.validUntilMs, Date.UTC(2026, 1, 1, 23, 59, 59))
  assert.equal(sorted.entries.length, 2)
  assert.equal(sortEntries([], [], NOW).validUntilMs, Number.POSITIVE_INFINITY)
})
