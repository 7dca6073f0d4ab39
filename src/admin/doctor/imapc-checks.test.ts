import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkImapc } from './imapc-checks.ts'

function texts(location: string, settings: string, inbox = 'no'): readonly string[] {
  const files = memoryFiles({
    '/conf': `mail_location = maildir:~/Maildir
namespace own {
  inbox = ${inbox === 'no' ? 'yes' : 'no'}
  separator = /
}
namespace shared {
  type = ${inbox === 'no' ? 'shared' : 'private'}
  inbox = ${inbox}
  prefix = ${inbox === 'no' ? 'shared/%%u/' : 'There/'}
  separator = /
  location = ${location}
}
${settings}
`,
  })
  const { config } = loadConfig({ path: '/conf', files, hostname: 'a.test' })
  assert.ok(config)
  return checkImapc(config, {}).map(({ text }) => text.replace(/:.*/s, ''))
}

test('doctor looks at how other servers are asked', () => {
  const good = 'imapc_host = b.test\nimapc_master_user = %u\nimapc_password = x\nimapc_ssl = imaps'
  const rows: readonly [why: string, location: string, settings: string, found: readonly string[]][] = [
    ['nothing is elsewhere', 'maildir:%%h/Maildir', '', []],
    ['all is well', 'imapc:~/x', good, []],
    ['nothing is set', 'imapc:~/x', '', ['imapc_password is empty', 'imapc_ssl = no']],
    [
      'nobody would check rights',
      'imapc:~/x',
      'imapc_host = localhost\nimapc_password = x',
      ['imapc_master_user is empty'],
    ],
    [
      'owners by the databases',
      'maildir:%%h/Maildir',
      'postern_remote_owners = yes',
      ['imapc_password is empty', 'imapc_ssl = no'],
    ],
    ['\\Seen', 'imapc:~/x:INDEXPVT=~/p/%%u', good, ["namespace with prefix 'shared/%%u/'"]],
  ]
  for (const [why, location, settings, found] of rows) assert.deepEqual(texts(location, settings), found, why)
  assert.deepEqual(texts('imapc:', good, 'yes'), ["namespace with prefix 'There/'"], 'an INBOX elsewhere')
})
