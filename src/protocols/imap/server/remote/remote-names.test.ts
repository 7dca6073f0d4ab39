import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type RemoteNaming, toRemote, toVirtual } from './remote-names.ts'

const OWNED = {
  prefix: 'shared/joe/',
  owner: 'joe',
  inboxName: 'shared/joe',
  listPrefix: '',
  namespace: { separator: '/' },
}
const OWN = { prefix: 'Old/', owner: undefined, inboxName: 'Old/INBOX', listPrefix: '', namespace: { separator: '/' } }
const SLASH: RemoteNaming = { separator: '/', foreignPrefixes: ['shared/', 'Public/'] }
const DOT: RemoteNaming = { separator: '.', foreignPrefixes: [] }
const FLAT: RemoteNaming = { separator: '', foreignPrefixes: [] }

test('names here and names there', () => {
  const rows: readonly [
    why: string,
    place: typeof OWNED | typeof OWN,
    naming: RemoteNaming,
    here: string,
    there: string | undefined,
  ][] = [
    ['the same separator', OWNED, SLASH, 'shared/joe/Work/Sub', 'Work/Sub'],
    ['another one', OWNED, DOT, 'shared/joe/Work/Sub', 'Work.Sub'],
    ['an owner is his INBOX', OWNED, SLASH, 'shared/joe', 'INBOX'],
    ['below INBOX', OWNED, DOT, 'shared/joe/INBOX/Sub', 'INBOX.Sub'],
    ['INBOX of a namespace of the user alone', OWN, SLASH, 'Old/INBOX', 'INBOX'],
    ['imapc_list_prefix', { ...OWNED, listPrefix: 'INBOX' }, DOT, 'shared/joe/Work', 'INBOX.Work'],
    ['the same, with its separator', { ...OWNED, listPrefix: 'Mail/' }, SLASH, 'shared/joe/Work', 'Mail/Work'],
    ['a level that is two there', OWNED, DOT, 'shared/joe/a.b', undefined],
    ['no levels there', OWNED, FLAT, 'shared/joe/Work', 'Work'],
    ['no levels there', OWNED, FLAT, 'shared/joe/Work/Sub', undefined],
    [
      "what others share with the owner is not the owner's to share",
      OWNED,
      SLASH,
      'shared/joe/shared/ann/Work',
      undefined,
    ],
    ['the prefix of such a namespace', OWNED, SLASH, 'shared/joe/Public', undefined],
    ['an empty level', OWNED, SLASH, 'shared/joe/a//b', undefined],
    ['nothing behind the prefix', OWNED, SLASH, 'shared/joe/', undefined],
    ['another INBOX', OWNED, SLASH, 'shared/joe/inbox', undefined],
    ['somewhere else', OWNED, SLASH, 'shared/jane/Work', undefined],
  ]
  for (const [why, place, naming, here, there] of rows) {
    assert.equal(toRemote(place, naming, here), there, why)
    if (there !== undefined) assert.equal(toVirtual(place, naming, there), here, why)
  }
})

test('the INBOX of an owner has two names here', () => {
  assert.equal(toRemote(OWNED, SLASH, 'shared/joe/INBOX'), 'INBOX')
  assert.equal(toVirtual(OWNED, SLASH, 'inbox'), 'shared/joe')
})

test('names of another server that cannot be shown are not', () => {
  const rows: readonly [why: string, naming: RemoteNaming, there: string][] = [
    ['a level with our separator', DOT, 'a/b'],
    ['an empty level', SLASH, 'a//b'],
    ['begins with a separator', SLASH, '/a'],
    ['a namespace of others', SLASH, 'shared/ann/Work'],
    ['its prefix', SLASH, 'shared'],
    ['empty', SLASH, ''],
  ]
  for (const [why, naming, there] of rows) assert.equal(toVirtual(OWNED, naming, there), undefined, why)
  assert.equal(toVirtual({ ...OWNED, listPrefix: 'INBOX' }, DOT, 'Other'), undefined, 'outside imapc_list_prefix')
})

test('whatever is shown leads back to where it came from', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'B', '/', '.', ' ', 'I', 'INBOX', 'é'), minLength: 1 })
  fc.assert(
    fc.property(
      name,
      fc.constantFrom(SLASH, DOT, FLAT),
      fc.constantFrom('', 'INBOX', 'a'),
      (there, naming, listPrefix) => {
        const place = { ...OWNED, listPrefix }
        const here = toVirtual(place, naming, there)
        if (here === undefined || there.toUpperCase() === 'INBOX') return
        const back = toRemote(place, naming, here)
        assert.ok(back === there || here === 'shared/joe/INBOX' || back === undefined)
      },
    ),
  )
})
