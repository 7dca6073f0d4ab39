import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareIdentifiers, identifierMatches, identifierText, parseIdentifier, type Viewer } from './identifier.ts'

const texts: [text: string, written: string | undefined, why: string][] = [
  ['owner', 'owner', 'a keyword'],
  ['anyone', 'anyone', 'a keyword'],
  ['anonymous', 'anyone', 'an alias'],
  ['authenticated', 'authenticated', 'a keyword'],
  ['user=joe', 'user=joe', 'a name'],
  ['user=', 'user=', 'an empty name matches nobody, and is no error'],
  ['user="joe"', 'user="joe"', 'quotes inside are part of the name'],
  ['user=a\tlr', 'user=a\tlr', 'so is a tab'],
  ['group=my group', 'group=my group', 'so is a space'],
  ['group-override=off', 'group-override=off', 'a name'],
  ['Owner', undefined, 'keywords are case-sensitive'],
  ['USER=joe', undefined, 'keywords are case-sensitive'],
  ['joe', undefined, 'a bare name'],
  ['owner=joe', undefined, 'a keyword with a name'],
  ['', undefined, 'nothing'],
]

for (const [text, written, why] of texts) {
  test(`identifier ${JSON.stringify(text)}: ${why}`, () => {
    const identifier = parseIdentifier(text)
    assert.equal(identifier && identifierText(identifier), written)
  })
}

test('classes come in the order of their strength, names in byte order', () => {
  const sorted = ['anyone', 'authenticated', 'group=b', 'group=é', 'owner', 'user=A', 'user=a', 'group-override=a']
  const identifiers = sorted.toReversed().map((text) => parseIdentifier(text) ?? assert.fail(text))
  assert.deepEqual(identifiers.toSorted(compareIdentifiers).map(identifierText), sorted)
})

const bob: Viewer = { user: 'bob', groups: new Set(['staff']), isOwner: false }
const matches: [text: string, viewer: Viewer, matches: boolean][] = [
  ['anyone', { ...bob, user: undefined }, true],
  ['authenticated', bob, true],
  ['authenticated', { ...bob, user: undefined }, false],
  ['user=bob', bob, true],
  ['user=Bob', bob, false],
  ['user=', { ...bob, user: undefined }, false],
  ['group=staff', bob, true],
  ['group-override=staff', bob, true],
  ['group=Staff', bob, false],
  ['owner', bob, false],
  ['owner', { ...bob, isOwner: true }, true],
]

for (const [text, viewer, expected] of matches) {
  test(`${text} ${expected ? 'is' : 'is not'} ${viewer.user ?? 'anonymous'}${viewer.isOwner ? ', the owner' : ''}`, () => {
    assert.equal(identifierMatches(parseIdentifier(text) ?? assert.fail(), viewer), expected)
  })
}
