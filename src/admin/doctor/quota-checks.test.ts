import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkQuota } from './quota-checks.ts'

function texts(config: string): readonly string[] {
  const files = memoryFiles({ '/dovecot.conf': config })
  const loaded = loadConfig({ path: '/dovecot.conf', files, overrides: [], hostname: 'mx.test' })
  assert.ok(loaded.config)
  return checkQuota(loaded.config, {}).map(({ text }) => text)
}

const WARNING = 'plugin {\n  quota = count:User quota\n  quota_warning = storage=95%% quota-warning 95 %u\n}\n'

test('quota warnings and foreign backends are told, where the plugin is on', () => {
  assert.deepEqual(texts(`mail_plugins = quota\n${WARNING}`), [
    'plugin { quota_warning } has no effect: no script is run when a quota fills up',
  ])
  assert.deepEqual(texts(WARNING), [])
  assert.deepEqual(texts('mail_plugins = quota\nplugin {\n  quota = dict:User::file:/x\n}\n'), [
    'plugin { quota = dict:User::file:/x }: this backend is not there, nothing is limited by it',
  ])
})
