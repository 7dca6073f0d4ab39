import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offeredMechanisms, refuseMechanism } from './mechanisms.ts'

const MECHANISMS = [
  { name: 'PLAIN', plaintext: true },
  { name: 'CRAM-MD5', plaintext: false },
] as const

const rows = [
  { ssl: 'yes', disable: true, secured: true, offered: 'PLAIN CRAM-MD5', plain: undefined, cram: undefined },
  { ssl: 'yes', disable: true, secured: false, offered: 'CRAM-MD5', plain: 'plaintext-disabled', cram: undefined },
  { ssl: 'yes', disable: false, secured: false, offered: 'PLAIN CRAM-MD5', plain: undefined, cram: undefined },
  { ssl: 'no', disable: true, secured: false, offered: 'CRAM-MD5', plain: 'plaintext-disabled', cram: undefined },
  { ssl: 'required', disable: false, secured: false, offered: '', plain: 'tls-required', cram: 'tls-required' },
  { ssl: 'required', disable: true, secured: true, offered: 'PLAIN CRAM-MD5', plain: undefined, cram: undefined },
] as const

test('mechanisms are offered and accepted by ssl, disable_plaintext_auth and how safe the connection is', () => {
  for (const { ssl, disable, secured, offered, plain, cram } of rows) {
    const settings = { ssl, disable_plaintext_auth: disable }
    const why = `ssl=${ssl} disable_plaintext_auth=${disable} secured=${secured}`
    assert.equal(offeredMechanisms(MECHANISMS, settings, secured, 'imap').join(' '), offered, why)
    assert.equal(refuseMechanism(MECHANISMS, settings, secured, 'imap', 'PLAIN')?.kind, plain, why)
    assert.equal(refuseMechanism(MECHANISMS, settings, secured, 'imap', 'CRAM-MD5')?.kind, cram, why)
  }
})

test('what is not configured is unsupported', () => {
  const refusal = refuseMechanism(MECHANISMS, { ssl: 'yes', disable_plaintext_auth: true }, true, 'imap', 'FOO')
  assert.equal(refusal?.kind, 'unsupported-mechanism')
})

test('mechanisms that bind to the TLS connection are offered where there is one', () => {
  const mechanisms = [{ name: 'SCRAM-SHA-256-PLUS', plaintext: false }, ...MECHANISMS]
  const settings = { ssl: 'yes', disable_plaintext_auth: true } as const
  assert.equal(
    offeredMechanisms(mechanisms, settings, true, 'imap', true).join(' '),
    'SCRAM-SHA-256-PLUS PLAIN CRAM-MD5',
  )
  assert.equal(offeredMechanisms(mechanisms, settings, true, 'imap', false).join(' '), 'PLAIN CRAM-MD5')
})

test('nobody in particular sends mail or changes scripts', () => {
  const mechanisms = [...MECHANISMS, { name: 'ANONYMOUS', plaintext: false }]
  const settings = { ssl: 'yes', disable_plaintext_auth: true } as const
  for (const [protocol, isOffered] of [
    ['imap', true],
    ['pop3', true],
    ['submission', false],
    ['sieve', false],
  ] as const) {
    for (const secured of [true, false]) {
      assert.equal(
        offeredMechanisms(mechanisms, settings, secured, protocol).includes('ANONYMOUS'),
        isOffered,
        protocol,
      )
      const refusal = refuseMechanism(mechanisms, settings, secured, protocol, 'ANONYMOUS')
      assert.equal(refusal?.kind, isOffered ? undefined : 'unsupported-mechanism', protocol)
    }
  }
})
