import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/config.ts'
import { findValueFiles } from '../../config/value-files.ts'
import { checkConfig } from './config-checks.ts'
import { checkKeyFiles } from './key-file-checks.ts'

/** A configuration that nobody could complain about. */
const SOUND = `protocols = imap
ssl = required
ssl_cert = "-----BEGIN CERTIFICATE-----"
ssl_key = "-----BEGIN PRIVATE KEY-----"
passdb {
  driver = static
  args = proxy=y host=10.0.0.1 nopassword=y
}
`

function findings(text: string): readonly string[] {
  const { config, complaints } = loadConfig({ path: 'conf', files: memoryFiles({ conf: text }) })
  return checkConfig(config, complaints).map(
    ({ severity, text: said, at }) => `${severity} ${at?.line ?? '-'}: ${said}`,
  )
}

test('a sound configuration has no findings', () => assert.deepEqual(findings(SOUND), []))

test('without a configuration there are the complaints', () => {
  assert.deepEqual(findings('ssl = maybe\nfoo = x\n'), [
    'error 1: Invalid value: maybe',
    'warning 2: Unknown setting: foo',
  ])
})

describe('each risk is told with its line', () => {
  const rows: readonly [line: string, expected: RegExp, why: string][] = [
    ['disable_plaintext_auth = no\nssl = no', /^warning 9: ssl = no with disable_plaintext_auth = no/, 'no TLS at all'],
    [
      'ssl = no',
      /^warning 9: ssl = no with disable_plaintext_auth = yes: only clients on this host/,
      'nobody can log in',
    ],
    [
      'disable_plaintext_auth = no\nssl = yes',
      /^warning 9: disable_plaintext_auth = no: clients may/,
      'TLS is optional',
    ],
    ['auth_debug_passwords = yes', /^warning 9: auth_debug_passwords/, 'passwords in the log'],
    ['auth_verbose_passwords = plain:3', /^warning 9: auth_verbose_passwords = plain:3/, 'mistyped ones too'],
    ['auth_failure_delay = 0', /^warning 9: auth_failure_delay = 0/, 'fast guessing'],
    ['auth_mechanisms = plain anonymous', /^warning 9: auth_mechanisms lists anonymous/, 'no password needed'],
    ['auth_username_chars =', /^info 9: auth_username_chars is empty/, 'any user name'],
    ['ssl_cert =', /^warning 2: ssl = required without ssl_cert/, 'no certificate'],
    ['ssl_key =', /^warning 2: ssl = required without ssl_key/, 'no key'],
    ['ssl_cert = /etc/ssl/cert.pem', /^warning 9: ssl_cert is the name of a file/, 'a forgotten <'],
    ['ssl_key = /etc/ssl/key.pem', /^warning 9: ssl_key is the name of a file/, 'for the key too'],
    ['ssl_min_protocol = TLSv1', /^warning 9: ssl_min_protocol = TLSv1 allows/, 'an old protocol'],
    ['ssl_min_protocol = TLS1.2', /^error 9: Unknown ssl_min_protocol setting 'TLS1.2'/, 'no protocol'],
    ['ssl_cipher_list = HIGH:RC4:!MD5', /^warning 9: ssl_cipher_list lets in RC4/, 'a broken cipher'],
    ['auth_ssl_require_client_cert = yes', /^warning 9: auth_ssl_require_client_cert/, 'certificates nobody asks for'],
    ['ssl_verify_client_cert = yes\nssl_ca = x', /^warning 10: ssl_require_crl = yes/, 'no revocation list'],
    ['ssl_client_require_valid_cert = no', /^warning 9: ssl_client_require_valid_cert/, 'any backend'],
    ['login_trusted_networks = 10.0.0.0/8 0.0.0.0/0', /^warning 9: login_trusted_networks = 0.0.0.0\/0/, 'everybody'],
    ['haproxy_trusted_networks = ::/0', /^warning 9: haproxy_trusted_networks = ::\/0/, 'everybody'],
    ['login_trusted_networks = nonsense', /^warning 9: login_trusted_networks: 'nonsense' is not/, 'nobody'],
    ['postern_metrics_listen = 0.0.0.0:9090', /^warning 9: postern_metrics_listen/, 'metrics for all'],
    [
      'protocols = imap pop3\nprotocol pop3 {\n auth_debug_passwords = yes\n}',
      /^warning 11: auth_debug/,
      'in a protocol',
    ],
    [
      'passdb {\n driver = static\n args = nopassword=y\n}',
      /^warning 9: passdb static with nopassword/,
      'an open door',
    ],
    [
      'passdb {\n driver = static\n args = proxy=y\n}',
      /^warning 9: passdb static with proxy but without/,
      'nowhere to go',
    ],
    [
      'passdb {\n driver = sql\n args = /x\n default_fields = ssl=any-cert\n}',
      /^warning 9: passdb sql sets ssl=any-cert/,
      'any backend, by a field',
    ],
    [
      'passdb {\n driver = sql\n args = /x\n mechanisms = none\n}',
      /^warning 9: passdb with mechanisms = none/,
      'never asked',
    ],
    ['mail_nfs_storage = yes', /^warning 9: mail_nfs_storage has no effect/, 'no effect'],
    [
      'service quota-status {\n inet_listener {\n port = 12340\n }\n}',
      /^warning 10: service quota-status/,
      'no such service',
    ],
    ['protocols = none', /^warning 9: no listener is open/, 'nothing to do'],
  ]
  for (const [line, expected, why] of rows) {
    test(`${line.replaceAll('\n', ' ')}: ${why}`, () => {
      const found = findings(`${SOUND}${line}\n`)
      assert.ok(
        found.some((finding) => expected.test(finding)),
        found.join('\n') || 'no findings',
      )
    })
  }
})

test('a protocol without passdb lets nobody in', () => {
  const [, ...passdb] = SOUND.split('passdb')
  assert.equal(passdb.length, 1)
  assert.deepEqual(findings(SOUND.slice(0, SOUND.indexOf('passdb'))), [
    'warning -: no passdb for imap: nobody can log in',
  ])
})

test('what holds for everything is told once', () => {
  const told = findings(`${SOUND}protocols = imap pop3 sieve submission\nauth_debug_passwords = yes\n`)
  assert.equal(told.filter((finding) => finding.includes('auth_debug_passwords')).length, 1)
})

test('keys in files for everybody are told', () => {
  const text = 'ssl_key = <open.pem\nssl_cert = <open.pem\nprotocol imap {\n ssl_key = </closed.pem\n}\n'
  const files = findValueFiles({ path: '/etc/conf', files: memoryFiles({ '/etc/conf': text }) })
  const modes = new Map([
    ['/etc/open.pem', 0o100644],
    ['/closed.pem', 0o100640],
  ])
  assert.deepEqual(
    checkKeyFiles(files, (path) => modes.get(path)),
    [
      {
        severity: 'warning',
        text: 'ssl_key = </etc/open.pem: every user of this machine may read that file',
        at: { file: '/etc/conf', line: 1 },
      },
    ],
  )
})
