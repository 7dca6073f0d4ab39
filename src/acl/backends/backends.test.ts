import { makeMailTree } from '../../../test/acl/mail-tree.ts'
import { aclBackendSuite } from '../../../test/suites/acl-backend.ts'
import { MemoryBackend } from './memory.ts'

const mailboxes = ['Work', 'Work/kid', 'Other']

aclBackendSuite('vfile', async (t) => {
  const tree = makeMailTree(t)
  return { backend: await tree.backend(), namespace: tree.namespace({ root: 'olga', mailboxes }) }
})

aclBackendSuite('vfile that believes files for long', async (t) => {
  const tree = makeMailTree(t)
  const backend = await tree.backend({ acl: 'vfile::cache_secs=1000' })
  return { backend, namespace: tree.namespace({ root: 'olga', mailboxes }) }
})

aclBackendSuite('memory', (t) => {
  const namespace = makeMailTree(t).namespace({ root: 'olga', mailboxes })
  return Promise.resolve({ backend: new MemoryBackend(), namespace })
})
