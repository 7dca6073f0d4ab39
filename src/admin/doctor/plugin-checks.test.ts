import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkPlugins } from './plugin-checks.ts'

test('plugins that have no effect are told, and those whose mail cannot be read', () => {
  const rows: readonly (readonly [why: string, config: string, findings: readonly string[]])[] = [
    ['those that are there', 'mail_plugins = acl imap_acl quota imap_quota notify mail_log zlib imap_zlib', []],
    [
      'known ones',
      'mail_plugins = sieve fts',
      [
        'warning: mail_plugins = sieve has no effect: scripts are not run, mail goes to INBOX or to the detail mailbox',
        'warning: mail_plugins = fts has no effect: SEARCH reads messages, and nothing is indexed for it',
      ],
    ],
    [
      'others',
      'mail_plugins = own_one',
      ['warning: mail_plugins = own_one has no effect: Dovecot plugins cannot be loaded'],
    ],
    [
      'encryption',
      'mail_plugins = mail_crypt',
      ['warning: mail_plugins = mail_crypt: messages that it changed cannot be read'],
    ],
    [
      'mail_log alone',
      'mail_plugins = mail_log',
      ['warning: mail_plugins = mail_log without notify: Dovecot refuses it'],
    ],
    ['compression', 'mail_plugins = zlib\nplugin {\n  zlib_save = gz\n}', []],
    [
      'another one',
      'mail_plugins = zlib\nplugin {\n  zlib_save = lz4\n}',
      ['warning: plugin { zlib_save = lz4 }: messages that are compressed so cannot be read'],
    ],
  ]
  for (const [why, config, findings] of rows) {
    const files = memoryFiles({ '/dovecot.conf': `${config}\n` })
    const loaded = loadConfig({ path: '/dovecot.conf', files, overrides: [], hostname: 'mx.test' })
    assert.ok(loaded.config, why)
    const told = checkPlugins(loaded.config, {}).map(({ severity, text }) => `${severity}: ${text}`)
    assert.deepEqual(told, findings, why)
  }
})
