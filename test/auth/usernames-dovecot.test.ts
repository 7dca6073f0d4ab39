import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { passdbDrivers } from '../../src/auth/passdb/index.ts'
import { openAuthService } from '../../src/auth/service.ts'
import { testConnection } from '../../src/auth/testing/open-auth.ts'
import { systemAuthNeeds } from '../../src/auth/testing/system.ts'
import { userdbDrivers } from '../../src/auth/userdb/index.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silent } from '../../src/observe/events.ts'
import { findMechanism } from '../../src/sasl/index.ts'
import { Secret } from '../../src/util/secret.ts'
import { imapListeners, startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { connectRaw } from '../support/raw-client.ts'

// User names and passwords with every kind of byte, sent to Dovecot and to us. The passdb takes every password and tells the
// name it saw in its refusal.

const NAMES: readonly string[] = [
  'joe',
  'Joe@Example.ORG',
  'a@b@c',
  '@example.org',
  'joe@',
  'joe#x.com',
  'joe/x',
  'j%u',
  'joe+tag',
  "o'neil",
  'quo"te',
  'back\\slash',
  'a b',
  ' joe',
  'joe ',
  'a*b',
  'a\tb',
  'a\x7fb',
  'j\xc3\xb6rg',
  'J\xc3\x96RG@EX\xc3\x84MPLE.ORG',
  'joe\x01',
  '*',
  '%',
  'a=b,c',
  '<joe>',
  'x'.repeat(300),
]

const PASSWORDS: readonly string[] = [
  'x',
  '',
  'with blank ',
  'p\xc3\xa4ss',
  '\xff\xfe',
  'a\x01b',
  'a\tb',
  'a\rb',
  'a\nb',
  '\t',
  'a\x02b',
  'a\x7fb',
  'y'.repeat(500),
]

const SETTINGS: readonly (readonly [why: string, conf: string])[] = [
  ['the defaults', ''],
  ['no set of characters, no format', 'auth_username_chars =\nauth_username_format =\n'],
  ['no set of characters, the default format', 'auth_username_chars =\n'],
  [
    'a realm, a translation and a format',
    'auth_default_realm = def.org\nauth_username_translation = #@/@\nauth_username_format = %Ln-%d\n',
  ],
  [
    'a realm and a translation of what is not allowed',
    'auth_default_realm = Def.org\nauth_username_translation = "%=+=*= _"\nauth_username_chars = abcdefghijklmnopqrstuvwxyz@.=_\n',
  ],
  ['only the domain counts', 'auth_username_format = %d\n'],
]

const PASSDB = `passdb {
  driver = static
  args = nopassword=y nologin=y reason=<%u|%n|%d>
}`

const message = (name: string, password: string): Buffer => Buffer.from(`\0${name}\0${password}`, 'latin1')

for (const [why, conf] of SETTINGS) {
  test(`names as Dovecot: ${why}`, { skip: skipWithout('dovecot-imapd') }, async (t) => {
    const dovecot = await startDovecot(
      ({ port }) => `protocols = imap
disable_plaintext_auth = no
auth_master_user_separator = !
${conf}${PASSDB}
${imapListeners(port)}`,
    )
    t.after(() => dovecot.stop())
    const ours = await openOurs(join(dovecot.dir, 'dovecot.conf'))
    t.after(() => ours.close())
    const attempts = [
      ...NAMES.map((name) => [name, 'x'] as const),
      ...(conf === '' ? PASSWORDS.map((password) => ['joe', password] as const) : []),
    ]
    await Promise.all(
      attempts.map(async ([name, password]) => {
        const bytes = message(name, password)
        const [mine, theirs] = await Promise.all([ours.ask(bytes), askDovecot(dovecot, bytes)])
        assert.equal(mine, theirs, JSON.stringify([name, password]))
      }),
    )
  })
}

test('names and passwords that may not hold a NUL do not', async (t) => {
  const ours = await openOurs('/dovecot.conf', `auth_failure_delay = 0\nauth_username_chars =\n${PASSDB}`)
  t.after(() => ours.close())
  assert.equal(await ours.ask(message('joe', 'x')), '<joe|joe|>')
  for (const bytes of [message('jo\0e', 'x'), message('joe', 'x\0y'), message('joe\0', 'x')]) {
    assert.equal(await ours.ask(bytes), 'failed')
  }
})

test('names that are not UTF-8 are refused, whatever auth_username_chars allows', async (t) => {
  const ours = await openOurs('/dovecot.conf', `auth_failure_delay = 0\nauth_username_chars =\n${PASSDB}`)
  t.after(() => ours.close())
  for (const name of ['J\xd6RG', '\xc3', 'joe\xff', '\xed\xa0\x80'])
    assert.equal(await ours.ask(message(name, 'x')), 'failed')
})

/** The reason that holds the name, or `failed`. */
async function askDovecot({ ports }: Started, bytes: Buffer): Promise<string> {
  const wire = await connectRaw({ port: ports.imap ?? 0 })
  try {
    await wire.expect(/^\* OK /)
    wire.send(`a AUTHENTICATE PLAIN ${bytes.toString('base64')}`)
    const reply = await wire.expect(/^a /)
    const [, reason] = /^a NO \[CONTACTADMIN\] (.*)$/s.exec(reply) ?? []
    if (reason !== undefined) return Buffer.from(reason, 'latin1').toString('utf8')
    assert.equal(reply, 'a NO [AUTHENTICATIONFAILED] Authentication failed.')
    return 'failed'
  } finally {
    wire.destroy()
  }
}

async function openOurs(path: string, text?: string) {
  const files = { read: (name: string) => text ?? readFileSync(name), glob: () => [] }
  const { config, complaints } = loadConfig({ path, files })
  if (config === undefined) throw new Error(complaints.map((complaint) => complaint.text).join('\n'))
  const auth = await openAuthService({
    config,
    configFiles: files,
    needs: systemAuthNeeds(silent),
    passdbDrivers,
    userdbDrivers,
    findMechanism,
  })
  return {
    close: async () => await auth.close(),
    ask: async (bytes: Buffer): Promise<string> => {
      const exchange = {
        mechanism: 'PLAIN',
        initial: new Secret(bytes),
        challenge: () => Promise.reject(new Error('nobody there')),
        finish: () => Promise.resolve(),
        channelBinding: () => undefined,
      }
      const outcome = await auth.authenticate(testConnection, exchange, AbortSignal.timeout(PATIENCE_MS))
      if (outcome.kind === 'ok') return 'ok'
      return outcome.why.kind === 'nologin' ? (outcome.why.reason ?? '') : outcome.why.kind
    },
  }
}
