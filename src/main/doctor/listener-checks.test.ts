import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkListening } from './listener-checks.ts'

const rows: readonly [listener: string, expected: string | undefined, why: string][] = [
  ['auth-client {\n    user = root\n    group = root\n  }', undefined, 'base_dir is made at the start'],
  ['/nowhere/auth {\n  }', 'cannot listen on /nowhere/auth: there is no /nowhere', 'Postfix is not installed'],
  [
    'auth-client {\n    user = nobody-like-that\n  }',
    'cannot listen on /run/none/auth-client: /etc/passwd has no nobody-like-that',
    'an unknown owner',
  ],
  [
    'auth-client {\n    group = nobody-like-that\n  }',
    'cannot listen on /run/none/auth-client: /etc/group has no nobody-like-that',
    'an unknown group',
  ],
]

for (const [listener, expected, why] of rows) {
  test(`sockets that could not be opened: ${why}`, async () => {
    const conf = `base_dir = /run/none\nprotocols =\nservice auth {\n  unix_listener ${listener}\n}\n`
    const { config } = loadConfig({ path: 'conf', files: memoryFiles({ conf }) })
    assert.ok(config)
    const found = await checkListening(config, '/run/none/control')
    assert.deepEqual(
      found.map(({ text, at }) => `${at?.line} ${text}`),
      expected === undefined ? [] : [`4 service auth: ${expected}`],
    )
  })
}
