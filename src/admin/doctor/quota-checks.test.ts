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

const WARNING =
  'plugin {\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_warning = storage=95%% quota-warning 95 %u\n}\n'
const SERVICE =
  'service quota-warning {\n  executable = script /x.sh\n  unix_listener quota-warning {\n    mode = 0600\n  }\n}\n'

test('scripts that nobody runs and foreign backends are told, where the plugin is on', () => {
  assert.deepEqual(texts(`mail_plugins = quota\n${WARNING}`), [
    'plugin { quota_warning } asks at quota-warning, but no service { executable = script ... } has a unix_listener there',
  ])
  assert.deepEqual(texts(`mail_plugins = quota\n${WARNING}${SERVICE}`), [])
  assert.deepEqual(texts(WARNING), [])
  assert.deepEqual(texts('mail_plugins = quota\nplugin {\n  quota = dict:User::file:/x\n  quota_set = dict:x\n}\n'), [
    'plugin { quota = dict:User::file:/x }: this backend is not there, nothing is limited by it',
    'plugin { quota_set } has no effect: clients cannot change limits',
  ])
  const status = 'mail_plugins = quota\nplugin {\n  quota = count:User\n  quota_status_success = DUNNO\n}\n'
  assert.deepEqual(texts(status), [
    'plugin { quota_status_success } has no effect: there is no policy service for Postfix',
    'plugin { quota = count } without quota_vsizes = yes: Dovecot refuses it, here virtual sizes count',
  ])
})
