import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { testSettings } from '../../test/support/protocol-session.ts'
import { makeTempDir, removeTempDir } from '../../test/support/temp-dir.ts'
import { buildClientContext, type ClientTlsContext } from '../net/tls-context.ts'
import { backendContexts } from './backend-tls.ts'

const own: ClientTlsContext = buildClientContext(testSettings(), [])

const settings: readonly { why: string; changes: Parameters<typeof testSettings>[0]; fromCache: boolean }[] = [
  { why: 'ssl_ca', changes: { ssl_ca: 'x' }, fromCache: true },
  { why: 'ssl_client_ca_file', changes: { ssl_client_ca_file: '/x' }, fromCache: true },
  { why: 'ssl_client_ca_dir', changes: { ssl_client_ca_dir: '/x' }, fromCache: true },
  { why: 'nothing', changes: {}, fromCache: false },
]

test('own authorities come first; without any the system is asked', () => {
  for (const { why, changes, fromCache } of settings) {
    const contexts = backendContexts({ client: () => own })
    assert.equal(contexts(testSettings(changes)) === own, fromCache, why)
  }
})

test('a settings object has one context', () => {
  const contexts = backendContexts({ client: () => assert.fail('not asked') })
  const object = testSettings()
  assert.equal(contexts(object), contexts(object))
})

/** Does a handshake with a certificate of an authority that only the system knows, and prints what came of it. */
const PROGRAM = `
import { once } from 'node:events'
import { createServer } from 'node:tls'
import { readFileSync } from 'node:fs'
const { backendContexts } = await import(process.argv[1])
const { dial } = await import(process.argv[2])
const { testSettings } = await import(process.argv[3])
const [key, cert] = [process.argv[4], process.argv[5]].map((path) => readFileSync(path))
const server = createServer({ key, cert }).listen(0, '127.0.0.1')
await once(server, 'listening')
const context = backendContexts({})(testSettings())
const tls = { context, host: '127.0.0.1', verify: true }
const options = { ip: '127.0.0.1', port: server.address().port, tls, onread: false, timeoutMs: 5000 }
const result = await dial(options).then((stream) => (stream.destroy(), 'trusted'), (error) => error.message)
process.stdout.write(result)
server.close()
`

test('the authorities of the system are trusted when no others are named', async (t) => {
  const directory = makeTempDir('system-ca')
  t.after(() => removeTempDir(directory))
  const authority = await makeAuthority()
  const certificate = await makeCertificate(authority)
  const path = (name: string): string => join(directory, name)
  writeFileSync(path('ca.pem'), authority.cert)
  writeFileSync(path('key.pem'), certificate.key)
  writeFileSync(path('cert.pem'), certificate.cert)
  const sources = ['backend-tls.ts', '../net/dial.ts', '../../test/support/protocol-session.ts']
  const modules = sources.map((name) => fileURLToPath(new URL(name, import.meta.url)))
  const args = ['--input-type=module', '-e', PROGRAM, ...modules, path('key.pem'), path('cert.pem')]
  const run = async (env: Record<string, string>): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
    return stdout
  }
  assert.equal(await run({ SSL_CERT_FILE: path('ca.pem') }), 'trusted')
  assert.match(await run({ SSL_CERT_FILE: path('key.pem') }), /^Received invalid SSL certificate: /)
})
