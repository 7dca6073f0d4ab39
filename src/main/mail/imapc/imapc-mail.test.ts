import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../util/secret.ts'
import { mayHaveMailElsewhere } from './imapc-mail.ts'

test('a server that shares its users with others does not take whom it does not know for gone', () => {
  const alone = { postern_remote_owners: false, imapc_host: '', imapc_password: new Secret('') }
  assert.equal(mayHaveMailElsewhere(alone), false)
  assert.equal(mayHaveMailElsewhere({ ...alone, postern_remote_owners: true }), true)
  assert.equal(mayHaveMailElsewhere({ ...alone, imapc_host: 'proxy.example.org' }), true)
  assert.equal(mayHaveMailElsewhere({ ...alone, imapc_password: new Secret('x') }), true)
})
