import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestAuth } from '../testing/open-auth.ts'
import { verbose } from '../testing/service-options.ts'
import { handshake } from './handshake.ts'

test('mechanisms are told with what Dovecot says of their safety', async (t) => {
  const mechanisms = 'plain apop digest-md5 scram-sha-1 scram-sha-256-plus oauthbearer external anonymous'
  const { auth } = await openTestAuth(verbose(`auth_mechanisms = ${mechanisms}`, 'joe:{PLAIN}pass'))
  t.after(() => auth.close())
  assert.deepEqual(
    handshake(auth.mechanisms, { pid: 7, id: 3, cookie: '0a'.repeat(16) }).toString(),
    [
      'VERSION\t1\t2',
      'MECH\tPLAIN\tplaintext',
      'MECH\tDIGEST-MD5\tdictionary\tactive\tmutual-auth',
      'MECH\tSCRAM-SHA-1\tmutual-auth',
      'MECH\tOAUTHBEARER\tplaintext',
      'MECH\tEXTERNAL',
      'MECH\tANONYMOUS\tanonymous',
      'SPID\t7',
      'CUID\t3',
      `COOKIE\t${'0a'.repeat(16)}`,
      'DONE\n',
    ].join('\n'),
  )
})
