import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkShared } from './acl-checks.ts'

function texts(location: string, plugin = ''): readonly string[] {
  const config = `namespace mine {\n  inbox = yes\n}\nplugin {\n${plugin}}\nnamespace shared {\n  type = shared\n  separator = /\n  prefix = shared/%%u/\n  location = ${location}\n}\n`
  const loaded = loadConfig({
    path: '/dovecot.conf',
    files: memoryFiles({ '/dovecot.conf': config }),
    overrides: [],
    hostname: 'mx.test',
  })
  assert.ok(loaded.config)
  return checkShared(loaded.config, {}).map(({ text }) => text)
}

test('a directory for private flags that all users have in common is told', () => {
  const rows: readonly (readonly [location: string, isTold: boolean, why: string])[] = [
    ['maildir:/mail/%%u', false, 'no private flags'],
    ['maildir:/mail/%%u:INDEXPVT=~/shared/%%u', false, 'in the home of who looks'],
    ['maildir:/mail/%%u:INDEXPVT=shared/%%u', false, 'in his home, too'],
    ['maildir:/mail/%%u:INDEXPVT=/private/%u/%%u', false, 'his name is in it'],
    ['maildir:/mail/%%u:INDEXPVT=/private/%1Hu/%Ln', false, 'with modifiers'],
    ['maildir:/mail/%%u:INDEXPVT=/private/%{user}', false, 'in the long form'],
    ['maildir:/mail/%%u:INDEXPVT=/private/%%u:INDEX=/x/%u', true, 'the name is that of the owner'],
    ['maildir:/mail/%%u:INDEXPVT=/private', true, 'no name at all'],
  ]
  for (const [location, isTold, why] of rows) assert.equal(texts(location).length, isTold ? 1 : 0, why)
  assert.deepEqual(texts('maildir:/mail/%%u:INDEXPVT=/private/%%u'), [
    String.raw`shared namespace with prefix 'shared/%%u/': INDEXPVT=/private/%%u is one directory for all users, who share their \Seen`,
  ])
})

test('inheritance of a namespace that is not there, or not that of both sides, is told', () => {
  const told = (plugin: string): readonly string[] => texts('maildir:/mail/%%u', plugin)
  assert.deepEqual(told('acl_inherit = live\n'), [])
  assert.deepEqual(told('acl_inherit_mine = live\nacl_inherit_shared = live\n'), [])
  assert.deepEqual(told('acl_inherit_mien = copy\n'), [
    'plugin { acl_inherit_mien } has no effect: there is no namespace mien {}',
  ])
  assert.deepEqual(told('acl_inherit_mine = live\n'), [
    'acl_inherit differs between private and shared namespaces: owners and those they share with are not shown the same rights',
  ])
})
