import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacMd5States } from './cram-md5-states.ts'
import { userHash } from './digest-md5-hash.ts'
import { findMechanism, mechanisms } from './index.ts'
import type { SaslMechanism } from './mechanism.ts'
import { deriveScramKeys, formatScramVerifier } from './scram-keys.ts'
import { clientCredentials, FakeAuth, play } from './testing/exchange.ts'

/** For every mechanism: its two halves against each other. */
function mechanism(name: string): SaslMechanism {
  const found = findMechanism(name)
  assert.ok(found)
  return found
}

test('mechanisms are found by name in any case, and others are not', () => {
  assert.equal(findMechanism('plain')?.name, 'PLAIN')
  assert.equal(findMechanism('Scram-Sha-256-Plus')?.name, 'SCRAM-SHA-256-PLUS')
  for (const name of ['', 'constructor', 'GSSAPI', 'PLAIN ']) assert.equal(findMechanism(name), undefined)
  assert.equal(new Set(mechanisms.map(({ name }) => name)).size, mechanisms.length)
})

test('which mechanisms reveal the password, and which are listed', () => {
  const names = (test: (mechanism: SaslMechanism) => boolean) => mechanisms.filter(test).map(({ name }) => name)
  assert.deepEqual(
    names(({ plaintext }) => plaintext),
    ['PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2'],
  )
  assert.deepEqual(
    names(({ listed }) => !listed),
    ['APOP'],
  )
  assert.deepEqual(
    names(({ bindsChannel }) => bindsChannel === true),
    ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS'],
  )
})

const binding = randomBytes(32)
const channelBinding = (type: string): Buffer | undefined => (type === 'tls-exporter' ? binding : undefined)
const passwordMechanisms = [
  'PLAIN',
  'LOGIN',
  'CRAM-MD5',
  'DIGEST-MD5',
  'SCRAM-SHA-1',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-256-PLUS',
]

for (const name of passwordMechanisms) {
  for (const sendsInitial of [true, false]) {
    test(`${name}, ${sendsInitial ? 'with' : 'without'} initial response: the right password, a wrong one, an unknown user`, async () => {
      const auth = new FakeAuth({ 'joe@example.org': 'pass' })
      const options = { sendsInitial, io: { channelBinding } }
      const login = async (user: string, password: string) =>
        (await play(mechanism(name), auth, clientCredentials(user, password, { channelBinding }), options)).verdict
      assert.equal((await login('joe@example.org', 'pass')).text, 'ok joe@example.org')
      assert.equal((await login('joe@example.org', 'Pass')).ok, false)
      assert.equal((await login('jane@example.org', 'pass')).ok, false)
    })
  }
}

for (const name of passwordMechanisms.filter((each) => each !== 'LOGIN' && each !== 'CRAM-MD5')) {
  test(`${name} carries an authzid`, async () => {
    const credentials = clientCredentials('admin', 'pass', { authzid: 'joe', channelBinding })
    const { verdict } = await play(mechanism(name), new FakeAuth({ admin: 'pass' }), credentials, {
      io: { channelBinding },
    })
    assert.equal(verdict.text, 'ok admin for joe')
  })
}

/** Names and passwords with everything that some grammar treats specially. */
const special = fc.constantFrom(...'=,=2C=3D",\\"\'@:;/ \t\r\n\x01\x7fnarcpv%*äß€'.split(''), '\u{1f600}')
const hostileText = fc.string({
  unit: fc.oneof(special, fc.string({ minLength: 1, maxLength: 1 })),
  minLength: 1,
  maxLength: 30,
})
const printable = hostileText.map((text) => text.replaceAll('\0', 'x'))

for (const name of passwordMechanisms) {
  test(`${name}: any name and password come through`, async () => {
    await fc.assert(
      fc.asyncProperty(printable, printable, async (user, password) => {
        const auth = new FakeAuth({ [user]: password })
        const credentials = clientCredentials(user, password, { channelBinding })
        const { verdict } = await play(mechanism(name), auth, credentials, { io: { channelBinding } })
        assert.equal(verdict.text, `ok ${user}`)
      }),
      { numRuns: name.startsWith('SCRAM') ? 40 : 200 },
    )
  })
}

for (const name of ['OAUTHBEARER', 'XOAUTH2']) {
  test(`${name}: any name comes through with its token`, async () => {
    const names =
      name === 'XOAUTH2'
        ? printable.map((text) => text.replaceAll('\x01', 'x'))
        : printable.map((text) => text.replaceAll('\x01', 'y'))
    await fc.assert(
      fc.asyncProperty(names, async (user) => {
        const { verdict } = await play(
          mechanism(name),
          new FakeAuth({ [user]: 'tok-._~+/EN==' }),
          clientCredentials(user, 'tok-._~+/EN=='),
        )
        assert.equal(verdict.text, `ok ${user}`)
      }),
      { numRuns: 200 },
    )
  })
}

test('the stored forms of CRAM-MD5, DIGEST-MD5 and SCRAM serve their mechanisms', async () => {
  const password = Buffer.from('päss')
  const salt = randomBytes(16)
  const verifier = async (hash: 'sha1' | 'sha256') =>
    formatScramVerifier({ ...(await deriveScramKeys(hash, password, salt, 5000)), salt, iterations: 5000 })
  const stored = [
    ['CRAM-MD5', hmacMd5States(password).toString('hex')],
    ['DIGEST-MD5', userHash('joe', '', password).toString('hex')],
    ['SCRAM-SHA-1', await verifier('sha1')],
    ['SCRAM-SHA-256', await verifier('sha256')],
  ] as const
  for (const [scheme, text] of stored) {
    const auth = new FakeAuth({ joe: { scheme, text } })
    assert.equal(
      (await play(mechanism(scheme), auth, clientCredentials('joe', password))).verdict.text,
      'ok joe',
      scheme,
    )
    assert.equal((await play(mechanism(scheme), auth, clientCredentials('joe', 'other'))).verdict.ok, false, scheme)
    assert.deepEqual(auth.asked[0], `joe ${scheme},PLAIN`)
  }
})

test('stored data that makes no sense refuses, and says so in the log', async () => {
  for (const [scheme, why] of [
    ['CRAM-MD5', 'invalid credentials length'],
    ['DIGEST-MD5', 'invalid credentials length'],
    ['SCRAM-SHA-1', 'Invalid SCRAM-SHA-1 passdb entry format'],
    ['SCRAM-SHA-256', 'Invalid SCRAM-SHA-256 passdb entry format'],
  ] as const) {
    const { verdict } = await play(
      mechanism(scheme),
      new FakeAuth({ joe: { scheme, text: 'junk' } }),
      clientCredentials('joe', 'pass'),
    )
    assert.equal(verdict.text, `refused joe: wrong-proof, ${why}`)
  }
})

test('EXTERNAL takes the name from the certificate', async () => {
  const auth = new FakeAuth({})
  const login = async (authzid: string, certificateUser: string | undefined) =>
    (await play(mechanism('EXTERNAL'), auth, clientCredentials(authzid, ''), { io: { certificateUser } })).verdict.text
  assert.equal(await login('', 'joe'), 'ok joe')
  assert.equal(await login('joe', 'joe'), 'ok joe')
  assert.equal(await login('jane', 'joe'), 'ok joe for jane')
  assert.equal(await login('jane', undefined), 'refused : malformed, username not known')
})

test('ANONYMOUS needs nothing', async () => {
  const { verdict } = await play(mechanism('ANONYMOUS'), new FakeAuth({}), clientCredentials('', ''))
  assert.equal(verdict.text, 'ok anonymous, trace ')
})
