import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { writeAclLine } from '../../src/acl/acl-line.ts'
import type { AclBackend, AclObject } from '../../src/acl/backends/backend.ts'
import type { AclNamespace } from '../../src/acl/namespace.ts'
import { identifierText, type Identifier } from '../../src/acl/identifier.ts'
import { lettersOf, rightsOf } from '../../src/acl/rights.ts'

export interface AclBackendUnderTest {
  readonly backend: AclBackend
  /** With the mailboxes Work, Work/kid and Other, none of which has entries. */
  readonly namespace: AclNamespace
}

/** What every source of ACLs owes to those who ask it. */
export function aclBackendSuite(name: string, open: (t: TestContext) => Promise<AclBackendUnderTest>): void {
  const bob = { kind: 'user', name: 'bob' } as const
  const grant = (identifier: Identifier, letters: string) =>
    ({ identifier, positive: { mode: 'replace', rights: rightsOf(letters) } }) as const

  test(`${name}: a mailbox without entries, or without existence, has none`, async (t) => {
    const { backend, namespace } = await open(t)
    for (const mailbox of ['Work', 'Nope', '']) assert.deepEqual(shown(await backend.object(namespace, mailbox)), [])
    assert.equal(await backend.hasGlobalEntries(namespace, 'Work'), false)
  })

  test(`${name}: a change is there at once, on its mailbox only, and told as lines`, async (t) => {
    const { backend, namespace } = await open(t)
    const update = await backend.update(namespace, 'Work', grant(bob, 'lr'))
    assert.deepEqual(update, { isChanged: true, before: [], after: ['user=bob lr'] })
    assert.deepEqual(shown(await backend.object(namespace, 'Work')), ['user=bob lr'])
    assert.deepEqual(shown(await backend.object(namespace, 'Other')), [])
    const again = await backend.update(namespace, 'Work', grant(bob, 'lr'))
    assert.deepEqual(again, { isChanged: false, before: ['user=bob lr'], after: ['user=bob lr'] })
  })

  test(`${name}: entries come in the order they are weighed`, async (t) => {
    const { backend, namespace } = await open(t)
    const identifiers: Identifier[] = [
      { kind: 'group-override', name: 'g' },
      bob,
      { kind: 'owner' },
      { kind: 'group', name: 'g' },
      { kind: 'anyone' },
    ]
    for (const identifier of identifiers) await backend.update(namespace, 'Work', grant(identifier, 'l'))
    assert.deepEqual(shown(await backend.object(namespace, 'Work')), [
      'anyone l',
      'group=g l',
      'owner l',
      'user=bob l',
      'group-override=g l',
    ])
  })

  test(`${name}: what nothing changed is the same object`, async (t) => {
    const { backend, namespace } = await open(t)
    await backend.update(namespace, 'Work', grant(bob, 'lr'))
    assert.equal(await backend.object(namespace, 'Work'), await backend.object(namespace, 'Work'))
  })

  test(`${name}: a copy is the parent's entries, and then goes its own way`, async (t) => {
    const { backend, namespace } = await open(t)
    assert.deepEqual(await backend.copy(namespace, 'Work', 'Work/kid'), [])
    await backend.update(namespace, 'Work', grant(bob, 'lr'))
    assert.deepEqual((await backend.copy(namespace, 'Work', 'Work/kid')).map(writeAclLine), ['user=bob lr'])
    await backend.update(namespace, 'Work', { identifier: bob, positive: { mode: 'clear' } })
    assert.deepEqual(shown(await backend.object(namespace, 'Work')), [])
    assert.deepEqual(shown(await backend.object(namespace, 'Work/kid')), ['user=bob lr'])
  })

  test(`${name}: many writers of one mailbox lose nothing`, async (t) => {
    const { backend, namespace } = await open(t)
    const names = Array.from({ length: 20 }, (_, at) => `user${at}`)
    await Promise.all(names.map((one) => backend.update(namespace, 'Work', grant({ kind: 'user', name: one }, 'l'))))
    assert.equal(shown(await backend.object(namespace, 'Work')).length, names.length)
  })
}

function shown(object: AclObject): readonly string[] {
  assert.ok(object.kind === 'entries')
  return object.entries.map(
    ({ identifier, rights }) => `${identifierText(identifier)} ${lettersOf(rights ?? new Set(), 'myrights')}`,
  )
}
