import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkShared } from './acl-checks.ts'

function texts(location: string): readonly string[] {
  const config = `namespace shared {\n  type = shared\n  separator = /\n  prefix = shared/%%u/\n  location = ${location}\n}\n`
  const loaded = loadConfig({
    path: '/dovecot.conf',
    files: memoryFiles({ '/dovecot.conf': config }),
    overrides: [],
    hostname: 'mx.test',
  })
  assert.ok(loaded.config)
  return checkShared(loaded.config, {}).map(({ text }) => text)
}

test('private flags in shared mailboxes, which there are none of, are told', () => {
  assert.deepEqual(texts('maildir:/mail/%%u:INDEXPVT=~/shared/%%u'), [
    String.raw`namespace with prefix 'shared/%%u/': INDEXPVT has no effect, \Seen is the same for all who share a mailbox`,
  ])
  assert.deepEqual(texts('maildir:/mail/%%u'), [])
})
