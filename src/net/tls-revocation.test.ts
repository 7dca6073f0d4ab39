import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { type Certificate, makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { socketPair } from '../../test/support/socket-pair.ts'
import { serving, tlsSettings } from '../../test/support/tls-settings.ts'
import { SocketStream } from './socket-stream.ts'
import { startTlsClient, startTlsServer } from './tls.ts'
import { TlsContextCache } from './tls-cache.ts'

const skip = spawnSync('openssl', ['version']).error === undefined ? false : 'openssl(1) is not installed'

/** A revocation list of the authority that names these certificates. */
function revocationList(authority: Certificate, revoked: readonly Certificate[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'postern-crl-'))
  try {
    const file = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text)
      return join(dir, name)
    }
    const section = `[ca]\ndefault_ca=one\n[one]\ndatabase=${file('index', '')}\ndefault_md=sha256\ndefault_crl_days=1\n`
    const config = file('ca.conf', section)
    const common = [
      'ca',
      '-config',
      config,
      '-keyfile',
      file('key', authority.key),
      '-cert',
      file('cert', authority.cert),
    ]
    for (const { cert } of revoked)
      execFileSync('openssl', [...common, '-revoke', file('victim', cert)], { stdio: 'pipe' })
    execFileSync('openssl', [...common, '-gencrl', '-out', join(dir, 'crl')], { stdio: 'pipe' })
    return readFileSync(join(dir, 'crl'), 'latin1')
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('ssl_require_crl refuses revoked certificates of backends, and lets others through', { skip }, async (t) => {
  const authority = await makeAuthority()
  const [good, bad] = await Promise.all([makeCertificate(authority), makeCertificate(authority)])
  const ssl_ca = `${authority.cert}\n${revocationList(authority, [bad])}`
  const rows: { why: string; shown: Certificate; requireCrl: boolean; problem?: RegExp }[] = [
    { why: 'not on the list', shown: good, requireCrl: true },
    { why: 'on the list', shown: bad, requireCrl: true, problem: /certificate revoked: \/CN=localhost/ },
    { why: 'nobody looks at the list', shown: bad, requireCrl: false },
  ]
  for (const { why, shown, requireCrl, problem } of rows) {
    const cache = new TlsContextCache(randomBytes(48))
    const { near, far } = await socketPair(t)
    const context = cache.client(tlsSettings({ ssl_ca, ssl_require_crl: requireCrl }))
    const up = startTlsClient(new SocketStream(near), { context, host: 'localhost', verify: true })
    const backendUp = startTlsServer(new SocketStream(far), {
      context: cache.server(tlsSettings(serving(shown))),
      unread: 'drop',
    })
    await Promise.allSettled([up, backendUp])
    if (problem === undefined) await assert.doesNotReject(up, why)
    else await assert.rejects(up, problem, why)
  }
})
