import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { makeAuthority, makeCertificate } from '../../../test/support/certificates.ts'
import { openAuthService } from '../service.ts'
import { logIn, testAuthInput } from '../testing/open-auth.ts'

test('a policy server with TLS needs a certificate of an authority that ssl_client_ca_file names', async (t) => {
  const authority = await makeAuthority()
  const { key, cert } = await makeCertificate(authority)
  const asked: string[] = []
  const server = createServer({ key, cert }, (request, response) => {
    asked.push(request.url ?? '')
    response.end('{"status":-1,"msg":"no"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const conf = `auth_policy_server_url = https://localhost:${port}/
auth_policy_hash_nonce = pepper
auth_policy_reject_on_fail = yes
passdb {
  driver = static
  args = password=x
}
`
  for (const [settings, reason, log] of [
    ['ssl_client_ca_file = /ca.pem\n', 'no', /^$/],
    ['', undefined, /Policy server HTTP error: .*(certificate|issuer)/i],
  ] as const) {
    const { input, log: lines } = testAuthInput({ conf: settings + conf, files: { '/ca.pem': authority.cert } })
    const auth = await openAuthService(input)
    t.after(() => auth.close())
    const outcome = await logIn(auth, 'joe', 'x')
    assert.equal(outcome.kind === 'refused' && outcome.why.kind === 'failed' && outcome.why.reason, reason)
    assert.match(lines.filter((line) => line.startsWith('error')).join('\n'), log)
  }
  assert.deepEqual(new Set(asked), new Set(['/?command=allow', '/?command=report']))
})
