import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CapabilitySettings, type CapabilityState, preLoginCapability, staticCapability } from './capability.ts'

const DEFAULTS: CapabilitySettings = { imap_capability: '', imap_literal_minus: false }
const BUILT_IN = 'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE'

const ROWS: readonly (readonly [
  settings: Partial<CapabilitySettings>,
  state: CapabilityState,
  capability: string,
  why: string,
])[] = [
  [
    {},
    { starttls: true, mechanisms: [] },
    `${BUILT_IN} LITERAL+ STARTTLS LOGINDISABLED`,
    'nothing allowed without TLS',
  ],
  [
    {},
    { starttls: true, mechanisms: ['CRAM-MD5'] },
    `${BUILT_IN} LITERAL+ STARTTLS LOGINDISABLED AUTH=CRAM-MD5`,
    'plaintext hidden without TLS',
  ],
  [
    {},
    { starttls: true, mechanisms: ['PLAIN', 'LOGIN'] },
    `${BUILT_IN} LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN`,
    'a secured connection that could still start TLS',
  ],
  [{}, { starttls: false, mechanisms: ['PLAIN'] }, `${BUILT_IN} LITERAL+ AUTH=PLAIN`, 'under TLS'],
  [
    {},
    { starttls: false, mechanisms: ['CRAM-MD5'] },
    `${BUILT_IN} LITERAL+ LOGINDISABLED AUTH=CRAM-MD5`,
    'LOGIN needs PLAIN to be enabled',
  ],
  [
    { imap_capability: '+XFOO  XBAR', imap_literal_minus: true },
    { starttls: false, mechanisms: ['PLAIN'] },
    `${BUILT_IN} XFOO XBAR LITERAL- AUTH=PLAIN`,
    'added capabilities, and LITERAL-',
  ],
  [
    { imap_capability: 'IMAP4rev1 FOO' },
    { starttls: true, mechanisms: ['PLAIN'] },
    'IMAP4rev1 FOO STARTTLS AUTH=PLAIN',
    'a list of its own has no LITERAL+ unless it says so',
  ],
]

test('pre-login capabilities are in the order of Dovecot', () => {
  for (const [settings, state, capability, why] of ROWS) {
    assert.equal(preLoginCapability({ ...DEFAULTS, ...settings }, state), capability, why)
  }
})

test('one settings object announces what each connection may see', () => {
  const settings = { ...DEFAULTS }
  const secured = { starttls: false, mechanisms: ['PLAIN'] }
  const open = { starttls: true, mechanisms: [] }
  const both = [preLoginCapability(settings, secured), preLoginCapability(settings, open)]
  assert.notEqual(both[0], both[1])
  assert.deepEqual([preLoginCapability(settings, secured), preLoginCapability(settings, open)], both)
})

test('the part that is the same for all connections has no mechanisms', () => {
  assert.equal(staticCapability(DEFAULTS), `${BUILT_IN} LITERAL+`)
})
