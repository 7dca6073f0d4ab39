import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'
import type { ConfigSource } from '../messages.ts'
import { practise } from './practice.ts'

function sourceOf(text: string, more: Readonly<Record<string, Buffer>> = {}): ConfigSource {
  const files = new Map([['/dovecot.conf', Buffer.from(text)], ...Object.entries(more)])
  return {
    path: '/dovecot.conf',
    overrides: [],
    snapshot: { files, globs: new Map(), users: new Map(), hosts: new Map() },
  }
}

async function complaintsOf(source: ConfigSource): Promise<readonly string[]> {
  const complaints: string[] = []
  await practise(source, (text) => complaints.push(text), PATIENCE_MS)
  return complaints
}

const COMMON = `passdb {
  driver = static
  args = proxy=y host=127.0.0.1 nopassword=y
}
protocols = imap pop3 submission sieve lmtp
postern_practice = 700 ms
`

test('all five proxies let the logins of a practice in, over TLS and with bare sockets too', async () => {
  const { cert, key } = await makeCertificate()
  const files = { '/cert': Buffer.from(cert), '/key': Buffer.from(key) }
  const text = `${COMMON}postern_bare_sockets = yes\nssl = yes\nssl_cert = </cert\nssl_key = </key\n`
  assert.deepEqual(await complaintsOf(sourceOf(text, files)), [])
})

test('a server without a certificate practises without TLS', async () => {
  assert.deepEqual(await complaintsOf(sourceOf(`${COMMON}ssl = no\n`)), [])
})

test('a practice that cannot be complains and does no harm', async () => {
  const key = Buffer.from('no key\n')
  // Long enough for a busy machine to come to the first login with TLS; it ends when every login was tried.
  const time = 'protocols = imap\npostern_practice = 30 s\n'
  const text = `${COMMON}${time}ssl = yes\nssl_cert = </cert\nssl_key = </cert\n`
  const [complaint] = await complaintsOf(sourceOf(text, { '/cert': key }))
  assert.match(complaint ?? '', /^The practice before the first login failed: \d+ of \d+ logins were not let in$/)
})
