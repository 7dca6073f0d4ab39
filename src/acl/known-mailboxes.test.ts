import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownMailboxes } from './known-mailboxes.ts'
import type { AclNamespace } from './namespace.ts'

test('mailboxes are remembered by namespace, and all of one forgotten when there are too many', () => {
  const [one, other] = [{}, {}] as [AclNamespace, AclNamespace]
  const known = new KnownMailboxes<number>()
  known.set(one, 'Work', 1)
  known.set(other, 'Work', 2)
  known.set(one, 'Work', 3)
  assert.deepEqual([known.get(one, 'Work'), known.get(other, 'Work'), known.get(one, 'Play')], [3, 2, undefined])
  for (let number = 1; number < 20_000; number += 1) known.set(one, `box${number}`, number)
  assert.equal(known.get(one, 'Work'), 3)
  known.set(one, 'one more', 4)
  assert.deepEqual([known.get(one, 'Work'), known.get(one, 'one more'), known.get(other, 'Work')], [undefined, 4, 2])
})
