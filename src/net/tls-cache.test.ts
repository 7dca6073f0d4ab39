import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { makeAuthority, makeCertificate } from '../../test/support/certificates.ts'
import { type AllTlsSettings, serving, tlsSettings } from '../../test/support/tls-settings.ts'
import { Secret } from '../util/secret.ts'
import { TICKET_KEY_BYTES, TlsContextCache } from './tls-cache.ts'

/** `openssl dhparam` of 2048 bits: public numbers. */
const DH_2048 = `-----BEGIN X9.42 DH PARAMETERS-----
MIICKAKCAQEAoPud6jhmmi9u7tBSPolnKZl8JDqSRxQBBakDVcGL2bkRUxBv4cHE
KRF7Ux/X/WVu1FLDnv65aIL3nNGNSN50/u+6GpRoh/+87h8e/Mjgjc5swkjy3y7j
+Od4L98zwciXum0AibgnZ8RE77U7MGDJE07XGJXgT5wsLYI62/g771mUAV/wxDo+
pO76SFimIcCzOk2opIbGcUZlglM4LycQJWs045L/3Hc5uFk66TuMpPAkMe0IUsXo
6JZp0otyvkSmZ9gYNITxeXQeAqb2LcXGY8zMH5Jp8j6KEub9Woy5N0e0+GW+wFup
vuBMeTlgVJnJo/30Oi0YPEdbKs/2Vi1gswKCAQBfxEn07tU/o2sezFF16Rje/LB2
PMfR4DAhKwXTIrpgPhGBzfI42MAY8Fgu8bC1Q/RQjMoAgMiDqnyGhP3kTeVyeXP8
H7aXxr/pX3/L2QL7v0oeUaS+wKAk69HwIbKJO/07I0jH1buMY1Dw9uz4TyMG65yN
yV7J3wYRXQgkvLkw1buCEAKU89JeTay/mfHEZhvlc//A3KGjh5XMzdsq2CFQ5548
/Zo4zWcegGtm2G4iFqJ9aUN5YBLbdheNxD+7a6tYQB3JO3PSJJNNL5bcNJa1xYqA
qnR23ZMPdsdWryc7SM8nvLMq/AwiR7KD0Z5kmMf+rDlbGYslMSGT5D7P9ClJAh0A
3CicsOGlB0aecIL30rZYxnIZ5heIXvto1l3+5w==
-----END X9.42 DH PARAMETERS-----
`

const newCache = () => new TlsContextCache(randomBytes(TICKET_KEY_BYTES))

test('equal settings share one context, also after a reload, until the tickets change', async () => {
  const certificate = await makeCertificate()
  const cache = newCache()
  const settings = tlsSettings(serving(certificate))
  const first = cache.server(settings)
  assert.equal(cache.server(settings), first)
  assert.equal(cache.server(tlsSettings(serving(certificate))), first, 'another object, same contents')
  assert.notEqual(cache.server(tlsSettings({ ...serving(certificate), ssl_min_protocol: 'TLSv1.3' })), first)
  assert.notEqual(cache.server(tlsSettings(serving(await makeCertificate()))), first)
  cache.rotate(randomBytes(TICKET_KEY_BYTES))
  assert.notEqual(cache.server(settings), first)
  const client = cache.client(settings)
  cache.clear()
  assert.notEqual(cache.client(settings), client)
})

test('a setting that cannot be used is named', async () => {
  const good = await makeCertificate()
  const other = await makeCertificate()
  const rows: { why: string; change: Partial<AllTlsSettings>; message: RegExp }[] = [
    {
      why: 'no certificate',
      change: { ssl_cert: '' },
      message: /^Can't load SSL certificate \(ssl_cert setting\): The certificate is empty$/,
    },
    {
      why: 'the file name instead of the file',
      change: { ssl_cert: '/etc/ssl/x.pem' },
      message: /There is no valid PEM certificate\. \(You probably forgot '<' from ssl_cert=<\/etc\/ssl\/x\.pem\)$/,
    },
    {
      why: 'the key in place of the certificate',
      change: { ssl_cert: good.key },
      message: /you've mixed ssl_cert and ssl_key settings/,
    },
    { why: 'no key', change: { ssl_key: new Secret('') }, message: /^Can't load SSL private key \(ssl_key setting\)/ },
    {
      why: 'another key',
      change: { ssl_key: new Secret(other.key) },
      message: /^Key is for a different cert than ssl_cert: /,
    },
    {
      why: 'a damaged key',
      change: { ssl_key: new Secret('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n') },
      message: /^Couldn't parse private SSL key \(ssl_key setting\): error:/,
    },
    {
      why: 'a bad second pair',
      change: { ssl_alt_cert: 'x' },
      message: /^Can't load alternative SSL certificate \(ssl_alt_cert setting\)/,
    },
    { why: 'ciphers', change: { ssl_cipher_list: 'NONSENSE' }, message: /^Can't set cipher list to 'NONSENSE': / },
    {
      why: 'suites',
      change: { ssl_cipher_suites: 'TLS_NONSENSE' },
      message: /^Can't set ciphersuites to 'TLS_NONSENSE': /,
    },
    { why: 'curves', change: { ssl_curve_list: 'nonsense' }, message: /^Can't set curve list to 'nonsense': / },
    { why: 'protocol', change: { ssl_min_protocol: 'TLSv2' }, message: /^Unknown ssl_min_protocol setting 'TLSv2'$/ },
    { why: 'dh', change: { ssl_dh: 'nonsense' }, message: /^Can't load DH parameters \(ssl_dh setting\): / },
    { why: 'ca', change: { ssl_ca: 'nonsense', ssl_verify_client_cert: true }, message: /^Couldn't parse ssl_ca: / },
  ]
  for (const { why, change, message } of rows) {
    assert.throws(
      () => newCache().server(tlsSettings({ ...serving(good), ...change })),
      { name: 'TlsSettingsError', message },
      why,
    )
  }
  const client = tlsSettings({ ssl_client_ca_file: '/nonexistent/ca.pem' })
  assert.throws(() => newCache().client(client), {
    name: 'TlsSettingsError',
    message: "Can't load CA certs from /nonexistent/ca.pem (ssl_client_ca_file setting): No such file or directory",
  })
})

test('every protocol word, an encrypted key, two certificates and Diffie-Hellman parameters are taken', async () => {
  const certificate = await makeCertificate()
  const rsa = await makeCertificate(undefined, { keyType: 'rsa' })
  for (const word of ['ANY', 'SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', 'LATEST']) {
    newCache().server(tlsSettings({ ...serving(certificate), ssl_min_protocol: word }))
  }
  newCache().server(tlsSettings({ ...serving(certificate), ssl_alt_cert: rsa.cert, ssl_alt_key: new Secret(rsa.key) }))
  newCache().server(tlsSettings({ ...serving(certificate), ssl_options: ['no_ticket', 'no_compression'] }))
  newCache().server(tlsSettings({ ...serving(certificate), ssl_dh: DH_2048 }))
  const format = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' } as const
  const locked = { ...serving(certificate), ssl_key: new Secret(createPrivateKey(certificate.key).export(format)) }
  newCache().server(tlsSettings({ ...locked, ssl_key_password: new Secret('sesame') }))
  const wrong = tlsSettings({ ...locked, ssl_key_password: new Secret('wrong') })
  assert.throws(() => newCache().server(wrong), /ssl_key setting\) \(maybe ssl_key_password is wrong\?\): /)
})

test('authorities of backends come from ssl_ca, a file and a directory', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'postern-tls-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const [first, second, third] = await Promise.all([makeAuthority('One'), makeAuthority('Two'), makeAuthority('Three')])
  mkdirSync(join(dir, 'certs'))
  mkdirSync(join(dir, 'certs', 'a-directory-is-skipped'))
  writeFileSync(join(dir, 'ca.pem'), `comment\n${first.cert}\n${second.cert}`)
  writeFileSync(join(dir, 'certs', 'third.crt'), third.cert)
  const settings = tlsSettings({ ssl_client_ca_file: join(dir, 'ca.pem'), ssl_client_ca_dir: join(dir, 'certs') })
  const cache = newCache()
  const context = cache.client(settings)
  assert.equal(cache.client(settings), context, 'files are read once per settings object')
  assert.equal(context.trust.crlMissing, false, 'ssl_require_crl is about ssl_ca')
  assert.equal(cache.client(tlsSettings({ ssl_ca: first.cert })).trust.crlMissing, true)
  assert.equal(cache.client(tlsSettings({ ssl_ca: first.cert, ssl_require_crl: false })).trust.crlMissing, false)
})
