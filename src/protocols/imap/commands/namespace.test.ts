import assert from 'node:assert/strict'
import test from 'node:test'
import { TestSession } from '../../../../test/imap-server/session.ts'
import { memoryLocation, MemoryMail, memoryNamespace } from '../../../storage/testing/open-memory-store.ts'

test('NAMESPACE tells namespaces by type and order, then as configured; hidden ones not', async (t) => {
  const others = [
    ['Late', 'public', 5, false],
    ['Early', 'public', 3, false],
    ['First', 'public', 0, false],
    ['Hidden', 'public', 0, true],
    ['Own', 'private', 0, false],
  ] as const
  const namespaces = [
    memoryNamespace(),
    ...others.map(([name, type, order, hidden]) =>
      memoryNamespace({
        name,
        type,
        order,
        hidden,
        prefix: `${name}/`,
        inbox: false,
        location: memoryLocation(name),
      }),
    ),
  ]
  const session = new TestSession(t, { store: new MemoryMail().open('joe', { namespaces }) })
  assert.deepEqual(await session.say('NAMESPACE'), [
    '* NAMESPACE (("" "/")("Own/" "/")) NIL (("First/" "/")("Early/" "/")("Late/" "/"))',
    'a1 OK Namespace completed',
  ])
})
