import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../test/support/memory-files.ts'
import { decideListeners } from './listeners.ts'
import { loadConfig } from './load.ts'

function authSockets(blocks: string): readonly string[] {
  const conf = `base_dir = /run/d\nlisten = 127.0.0.1\nservice auth {\n${blocks}}\n`
  const { config, complaints } = loadConfig({ path: 'conf', files: memoryFiles({ conf }) })
  assert.ok(config, JSON.stringify(complaints))
  const plans = decideListeners(config).filter(({ protocol }) => protocol === 'auth')
  return plans.map(({ address, port, unix }) => {
    return unix === undefined
      ? `${address}:${port}`
      : `${address} ${unix.mode.toString(8)} ${unix.user || '-'}:${unix.group || '-'}`
  })
}

const rows: readonly [blocks: string, expected: readonly string[], why: string][] = [
  ['', [], 'nobody asks on the sockets that Dovecot opens for itself'],
  [
    'unix_listener /var/spool/postfix/private/auth {\n mode = 0660\n user = postfix\n group = postfix\n}\n',
    ['/var/spool/postfix/private/auth 660 postfix:postfix'],
    'as in every guide',
  ],
  [
    'unix_listener auth-client {\n mode = 0666\n}\n',
    ['/run/d/auth-client 666 -:-'],
    'below base_dir; its built-in owner is nobody here',
  ],
  ['unix_listener /x/auth-client {\n}\n', ['/x/auth-client 600 -:-'], 'the mode is 0600 unless it is set'],
  ['unix_listener x {\n mode = 0\n}\n', [], 'switched off'],
  ['unix_listener auth-userdb {\n mode = 0666\n}\nunix_listener /x/my-master {\n}\n', [], 'for another protocol'],
  [
    'unix_listener login/login {\n mode = 0600\n}\nunix_listener auth-login {\n}\n',
    [],
    "for Dovecot's login processes",
  ],
  ['unix_listener token-login/tokenlogin {\n mode = 0600\n}\n', [], 'the same'],
  ['unix_listener /x/userdb-clients {\n}\n', ['/x/userdb-clients 600 -:-'], 'the end of the name counts'],
  ['inet_listener {\n port = 12345\n}\n', ['127.0.0.1:12345'], 'a mail server on another machine'],
  ['inet_listener auth-userdb {\n port = 12345\n}\n', [], 'for another protocol'],
]

for (const [blocks, expected, why] of rows) {
  test(`sockets of service auth: ${why}`, () => assert.deepEqual(authSockets(blocks), expected))
}
