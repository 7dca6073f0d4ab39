import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/support/certificates.ts'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import type { Filter } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { checkCertificates } from './certificate-checks.ts'

let authority: Certificate
let good: Certificate
let other: Certificate
let expired: Certificate
let alone: Certificate

before(async () => {
  authority = await makeAuthority()
  good = await makeCertificate(authority, { names: ['mail.example.org'] })
  other = await makeCertificate(authority)
  expired = await makeCertificate(authority, { names: ['mail.example.org'], expired: true })
  alone = await makeCertificate()
})

/** `SEVERITY LINE: text` of each finding. */
function check(
  lines: readonly string[],
  files: Readonly<Record<string, string>>,
  options: { readonly filters?: readonly Filter[]; readonly days?: number } = {},
): readonly string[] {
  const conf = ['protocols = imap', ...lines, ''].join('\n')
  const { config, complaints } = loadConfig({ path: 'conf', files: memoryFiles({ ...files, conf }), hostname: 'box' })
  assert.ok(config, complaints.map(({ text }) => text).join())
  const { filters = [{}], days = 0 } = options
  return checkCertificates({ config, filters }, Date.now() + days * 86_400_000).map(
    ({ severity, text, at }) => `${severity} ${at?.line ?? '-'}: ${text}`,
  )
}

const PAIR = ['ssl_cert = </cert', 'ssl_key = </key']

test('a certificate that works has no findings', () => {
  assert.deepEqual(check(PAIR, { '/cert': `${good.cert}\n${authority.cert}`, '/key': good.key }), [])
})

test('what OpenSSL would refuse is told with its setting', () => {
  const rows: readonly [cert: string, key: string, expected: RegExp, why: string][] = [
    [good.cert, other.key, /^error 2: Key is for a different cert than ssl_cert: /, 'not a pair'],
    ['junk', good.key, /^error 2: Can't load SSL certificate \(ssl_cert setting\)/, 'no certificate'],
    [good.cert, 'junk', /^error 3: Can't load SSL private key \(ssl_key setting\)/, 'no key'],
  ]
  for (const [cert, key, expected, why] of rows) {
    const found = check(PAIR, { '/cert': cert, '/key': key })
    assert.equal(found.length, 1, why)
    assert.match(found[0] ?? '', expected, why)
  }
  const [weak] = check([...PAIR, 'ssl_cipher_list = NONSENSE'], { '/cert': good.cert, '/key': good.key })
  assert.match(weak ?? '', /^error 4: Can't set cipher list to 'NONSENSE'/)
  const [authorities] = check(['ssl = no', 'ssl_client_ca_file = /nonexistent/ca.pem'], {})
  assert.match(authorities ?? '', /^error 3: .*ssl_client_ca_file/)
})

test('time: over, not yet, soon', () => {
  const files = { '/cert': good.cert, '/key': good.key }
  const [late] = check(PAIR, { '/cert': expired.cert, '/key': expired.key })
  assert.match(late ?? '', /^error 2: ssl_cert: the certificate expired on \d{4}-\d\d-\d\d$/)
  assert.match(check(PAIR, files, { days: -3 })[0] ?? '', /^error 2: ssl_cert: the certificate is not valid before /)
  assert.match(
    check(PAIR, files, { days: 25 })[0] ?? '',
    /^warning 2: ssl_cert: the certificate expires in 4 days, on /,
  )
  const [client] = check(['ssl = no', 'ssl_client_cert = </cert', 'ssl_client_key = </key'], files, { days: 31 })
  assert.match(client ?? '', /^error 3: ssl_client_cert: the certificate expired on /)
})

test('names: those of local_name, and a hostname that somebody chose', () => {
  const files = { '/cert': good.cert, '/key': good.key }
  assert.deepEqual(check(PAIR, files), [], "the machine's own name is nobody's choice")
  assert.deepEqual(check([...PAIR, 'hostname = mail.example.org'], files), [])
  const wrong = check([...PAIR, 'hostname = imap.example.org'], files)
  assert.deepEqual(wrong, ['warning 2: ssl_cert: the certificate is not for imap.example.org, the hostname setting'])
  const local = check([...PAIR, 'local_name imap.example.org {', 'ssl_cert = </cert', '}'], files, {
    filters: [{}, { localName: 'imap.example.org' }],
  })
  assert.deepEqual(local, ['warning 5: ssl_cert: the certificate is not for imap.example.org, its local_name'])
})

test('chains that clients cannot follow', () => {
  const files = { '/cert': `${good.cert}\n${other.cert}`, '/key': good.key }
  assert.match(check(PAIR, files)[0] ?? '', /^warning 2: ssl_cert: certificate 2 of the chain has not issued/)
  const self = check(PAIR, { '/cert': alone.cert, '/key': alone.key })
  assert.match(self[0] ?? '', /^info 2: ssl_cert: the certificate is self-signed/)
})

test('the same finding for several protocols is told once', () => {
  const files = { '/cert': good.cert, '/key': other.key }
  const filters = [{}, { protocol: 'imap' }, { protocol: 'pop3' }]
  assert.equal(check([...PAIR, 'protocol pop3 {', 'mail_debug = yes', '}'], files, { filters }).length, 1)
})
