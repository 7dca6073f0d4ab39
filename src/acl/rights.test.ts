import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_RIGHTS, lettersOf, namedRights, rightOfLetter, rightsOf, sameRights, sortedRights } from './rights.ts'

test('a full set has both orders of Dovecot', () => {
  assert.equal(lettersOf(ALL_RIGHTS, 'myrights'), 'lrwstipekxa')
  assert.equal(lettersOf(ALL_RIGHTS, 'file'), 'akxeilprwts')
})

test('the obsolete letters, capitals and signs are no rights of a file', () => {
  for (const letter of ['c', 'd', 'L', '+', '-', 'z', '']) assert.equal(rightOfLetter(letter), undefined, letter)
  assert.throws(() => rightsOf('lz'), /letter z/)
})

test('rights without a letter are told apart and sorted', () => {
  const rights = new Set(['zeta', 'lookup', 'alpha'])
  assert.deepEqual(namedRights(rights), ['alpha', 'zeta'])
  assert.deepEqual(sortedRights(rights), ['alpha', 'lookup', 'zeta'])
  assert.equal(lettersOf(rights, 'file'), 'l')
})

test('sets are the same whatever the order', () => {
  assert.ok(sameRights(rightsOf('lrs'), rightsOf('srl')))
  assert.ok(!sameRights(rightsOf('lr'), rightsOf('lrs')))
  assert.ok(!sameRights(rightsOf('lrs'), rightsOf('lrw')))
})
