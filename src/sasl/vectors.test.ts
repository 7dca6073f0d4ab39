import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hmacMd5FromStates, hmacMd5States } from './cram-md5-states.ts'
import { proof, userHash } from './digest-md5-hash.ts'
import { findMechanism } from './index.ts'
import type { SaslClient, SaslClientCredentials } from './mechanism.ts'
import { clientCredentials, FakeAuth, scriptedIo } from './testing/exchange.ts'

/** The examples of the RFCs, and the bytes that Dovecot's proxy sends. */
function clientOf(name: string, credentials: SaslClientCredentials): SaslClient {
  const client = findMechanism(name)?.client?.(credentials)
  assert.ok(client)
  return client
}

async function serve(
  name: string,
  answers: readonly (string | Buffer)[],
  users: Record<string, string>,
  overrides = {},
) {
  const { io, challenges } = scriptedIo(answers, overrides)
  const verdict = await findMechanism(name)?.authenticate(io, new FakeAuth(users))
  return { text: verdict?.text, challenges }
}

const initials = [
  ['PLAIN', 't1', 't1', 'secret', 't1\0t1\0secret', 'the authzid is always there'],
  ['PLAIN', 'adm', 't1', 'mpass', 't1\0adm\0mpass', 'a master login'],
  ['LOGIN', 'joe', 'joe', 'secret', '', 'empty'],
  ['EXTERNAL', 'joe', 'joe', '', 'joe', 'the authzid'],
  ['ANONYMOUS', 'joe', 'joe', '', '', 'no trace'],
  ['XOAUTH2', 'joe', 'joe', 'TOKEN', 'user=joe\x01auth=Bearer TOKEN\x01\x01', 'as Dovecot'],
  ['OAUTHBEARER', 'joe', 'joe', 'TOKEN', 'n,a=joe,\x01auth=Bearer TOKEN\x01\x01', 'without host and port'],
  ['OAUTHBEARER', 'a,b=c', 'a,b=c', 'T', 'n,a=a=2Cb=3Dc,\x01auth=Bearer T\x01\x01', 'RFC 5801 escapes'],
  ['CRAM-MD5', 'joe', 'joe', 'secret', undefined, 'the server speaks first'],
  ['DIGEST-MD5', 'joe', 'joe', 'secret', undefined, 'the server speaks first'],
] as const

for (const [name, authcid, authzid, password, expected, why] of initials) {
  test(`${name}, initial response of ${authcid}: ${why}`, () => {
    const client = clientOf(name, clientCredentials(authcid, password, { authzid }))
    assert.equal(client.initial()?.toString('latin1'), expected)
  })
}

test('XOAUTH2: the example of Google', () => {
  const client = clientOf(
    'XOAUTH2',
    clientCredentials('someuser@example.com', 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg'),
  )
  assert.equal(
    client.initial()?.toString('base64'),
    'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
  )
})

test('PLAIN: RFC 4616 §4', async () => {
  const short = await serve('PLAIN', ['\0tim\0tanstaaftanstaaf'], { tim: 'tanstaaftanstaaf' })
  assert.deepEqual(short, { text: 'ok tim', challenges: [''] })
  const long = await serve('PLAIN', ['Ursel\0Kurt\0xipj3plmq'], { Kurt: 'xipj3plmq' })
  assert.equal(long.text, 'ok Kurt for Ursel')
})

test('LOGIN: Dovecot prompts for Username: and Password:', async () => {
  const prompted = await serve('LOGIN', ['joe', 'pass'], { joe: 'pass' })
  assert.deepEqual(prompted, { text: 'ok joe', challenges: ['Username:', 'Password:'] })
  const withName = await serve('LOGIN', ['pass'], { joe: 'pass' }, { initial: Buffer.from('joe') })
  assert.deepEqual(withName, { text: 'ok joe', challenges: ['Password:'] })
  const empty = await serve('LOGIN', ['joe', 'pass'], { joe: 'pass' }, { initial: Buffer.alloc(0) })
  assert.deepEqual(empty.challenges, ['Username:', 'Password:'], 'an empty initial response is none')
})

test('CRAM-MD5: RFC 2195 §2', () => {
  const challenge = Buffer.from('<1896.697170952@postoffice.reston.mci.net>')
  const client = clientOf('CRAM-MD5', clientCredentials('tim', 'tanstaaftanstaaf'))
  assert.equal(client.respond(challenge).toString(), 'tim b913a602c7eda7a495b4e6e7334d3890')
  const states = hmacMd5States(Buffer.from('tanstaaftanstaaf'))
  assert.equal(hmacMd5FromStates(states, challenge).toString('hex'), 'b913a602c7eda7a495b4e6e7334d3890')
})

test('CRAM-MD5: the challenge is 16 digits, the time and the host', async () => {
  const { challenges } = await serve('CRAM-MD5', ['joe x'], { joe: 'pass' })
  assert.match(challenges[0] ?? '', /^<\d{16}\.1700000000@mail\.example\.org>$/)
})

test('DIGEST-MD5: RFC 2831 §4', () => {
  const hash = userHash('chris', 'elwood.innosoft.com', Buffer.from('secret'))
  const common = { nonceCount: '00000001', qop: 'auth', authzid: undefined }
  const imap = { ...common, nonce: 'OA6MG9tEQGm2hh', cnonce: 'OA6MHXh6VqTrRk', uri: 'imap/elwood.innosoft.com' }
  assert.equal(proof(hash, imap, 'AUTHENTICATE'), 'd388dad90d4bbd760a152321f2143af7')
  assert.equal(proof(hash, imap, ''), 'ea40f60335c427b5527b84dbabcdfffd')
  const acap = { ...common, nonce: 'OA9BSXrbuRhWay', cnonce: 'OA9BSuZWMSpW8m', uri: 'acap/elwood.innosoft.com' }
  assert.equal(proof(hash, acap, 'AUTHENTICATE'), '6084c6db3fede7352c551284490fd0fc')
  assert.equal(proof(hash, acap, ''), '2f0b3d7c3c2e486600ef710726aa2eae')
})

test('DIGEST-MD5: the challenge is that of Dovecot, with one realm per auth_realms entry', async () => {
  const nonce = Buffer.alloc(16, 7).toString('base64')
  const randomBytes = (count: number) => Buffer.alloc(count, 7)
  const rest = `nonce="${nonce}",qop="auth",charset="utf-8",algorithm="md5-sess"`
  const without = await serve('DIGEST-MD5', ['x'], {}, { randomBytes })
  assert.deepEqual(without.challenges, [`realm="",${rest}`])
  const two = await serve('DIGEST-MD5', ['x'], {}, { randomBytes, realms: ['example.org', 'example.com'] })
  assert.deepEqual(two.challenges, [`realm="example.org",realm="example.com",${rest}`])
})

test('DIGEST-MD5: the client takes the realm of its own domain', () => {
  const challenge = Buffer.from(
    'realm="example.com",realm="example.org",nonce="abc",qop="auth",charset=utf-8,algorithm=md5-sess',
  )
  const answer = (user: string) => clientOf('DIGEST-MD5', clientCredentials(user, 'pass')).respond(challenge).toString()
  assert.match(answer('joe@example.org'), /username="joe",realm="example\.org",/)
  assert.match(answer('joe@example.net'), /username="joe@example\.net",realm="example\.com",/)
})

test('SCRAM-SHA-1: RFC 5802 §5', () => {
  const randomBytes = () => Buffer.from('fyko+d2lbbFgONRv9qkxdawL', 'base64')
  const client = clientOf('SCRAM-SHA-1', clientCredentials('user', 'pencil', { randomBytes }))
  assert.equal(client.initial()?.toString(), 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL')
  const nonce = 'fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j'
  const final = client.respond(Buffer.from(`r=${nonce},s=QSXCR+Q6sek8bf92,i=4096`)).toString()
  assert.equal(final, `c=biws,r=${nonce},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=`)
  assert.equal(client.respond(Buffer.from('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=')).length, 0)
  client.finish(undefined)
})

test('SCRAM-SHA-256: RFC 7677 §3', () => {
  const randomBytes = () => Buffer.from('rOprNGfwEbeRWgbNEkqO', 'base64')
  const client = clientOf('SCRAM-SHA-256', clientCredentials('user', 'pencil', { randomBytes }))
  assert.equal(client.initial()?.toString(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const final = client.respond(Buffer.from(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)).toString()
  assert.equal(final, `c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`)
  // As success data, the way ManageSieve sends it.
  client.finish(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))
})

test('SCRAM: unknown extensions are part of what is signed', () => {
  const client = clientOf('SCRAM-SHA-1', clientCredentials('user', 'pencil'))
  const nonce = /r=(.*)$/.exec(client.initial()?.toString() ?? '')?.[1] ?? ''
  const final = client.respond(Buffer.from(`r=${nonce}more,s=QSXCR+Q6sek8bf92,i=4096,x=ignored`)).toString()
  assert.match(final, /^c=biws,r=.*more,p=/)
})

test('OAUTHBEARER: RFC 7628 §4.1', async () => {
  const token = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=='
  const message = `n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer ${token}\x01\x01`
  const initial = Buffer.from(message)
  const { text, challenges } = await serve('OAUTHBEARER', [], { 'user@example.com': token }, { initial })
  assert.deepEqual({ text, challenges }, { text: 'ok user@example.com', challenges: [] })
})

const errorChallenges = [
  ['OAUTHBEARER', 'n,a=joe,\x01auth=Bearer bad\x01\x01', '{"status":"invalid_token"}'],
  ['XOAUTH2', 'user=joe\x01auth=Bearer bad\x01\x01', '{"status":"401","schemes":"bearer","scope":"mail"}'],
] as const

for (const [name, message, json] of errorChallenges) {
  test(`${name}: the error goes out as a challenge; whatever the client answers, the refusal follows`, async () => {
    for (const answer of ['', '\x01', 'anything']) {
      const { text, challenges } = await serve(name, [answer], { joe: 'good' }, { initial: Buffer.from(message) })
      assert.deepEqual({ text, challenges }, { text: 'refused joe: wrong token', challenges: [json] })
    }
  })

  test(`${name}: the error names openid_configuration_url`, async () => {
    const overrides = { initial: Buffer.from(message), openidConfigurationUrl: 'https://example.org/"x"' }
    const { challenges } = await serve(name, [''], {}, overrides)
    assert.deepEqual(challenges, [json.replace('}', ',"openid-configuration":"https://example.org/\\"x\\""}')])
  })
}

test('a client answers the OAuth error challenge once, and keeps what it said', () => {
  for (const [name, answer] of [
    ['OAUTHBEARER', '\x01'],
    ['XOAUTH2', ''],
  ] as const) {
    const client = clientOf(name, clientCredentials('joe', 'bad'))
    assert.equal(String(client.failureDetail), 'undefined')
    assert.equal(client.respond(Buffer.from('{"status":"401"}')).toString(), answer)
    assert.equal(String(client.failureDetail), '{"status":"401"}')
    assert.throws(() => client.respond(Buffer.from('again')), { name: 'SaslError' })
  }
})

test('APOP: RFC 1939 §7', async () => {
  const digest = Buffer.from('c4c9334bac560ecc979e58001b3e22fb', 'hex')
  const initial = Buffer.concat([Buffer.from('<1896.697170952@dbc.mtview.ca.us>\0mrose\0'), digest])
  assert.equal((await serve('APOP', [], { mrose: 'tanstaaf' }, { initial })).text, 'ok mrose')
  assert.equal((await serve('APOP', [], { mrose: 'wrong' }, { initial })).text, 'refused mrose: wrong-proof')
  assert.equal((await serve('APOP', [], {}, { initial })).text, 'refused mrose: unknown')
})

test('ANONYMOUS: RFC 4505 §3; a trace is fit for the log', async () => {
  assert.equal((await serve('ANONYMOUS', ['sirhc'], {})).text, 'ok anonymous, trace sirhc')
  assert.equal((await serve('ANONYMOUS', ['a\r\nb\0'], {})).text, 'ok anonymous, trace a??b?')
  assert.equal((await serve('ANONYMOUS', ['x'.repeat(8000)], {})).text, `ok anonymous, trace ${'x'.repeat(255)}`)
})
