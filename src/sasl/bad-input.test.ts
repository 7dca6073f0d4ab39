import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findMechanism, mechanisms } from './index.ts'
import type { SaslClient } from './mechanism.ts'
import { clientCredentials, FakeAuth, play, scriptedIo } from './testing/exchange.ts'

const users = { joe: 'pass' }

async function serve(name: string, answers: readonly (string | Buffer)[], overrides = {}): Promise<string | undefined> {
  const { io } = scriptedIo(answers, overrides)
  return (await findMechanism(name)?.authenticate(io, new FakeAuth(users)))?.text
}

const nonUtf8 = Buffer.from([0x6a, 0xff])
const plainMessages: readonly (readonly [string | Buffer, string])[] = [
  ['', 'invalid input'],
  ['joe', 'invalid input'],
  ['\0joe', 'invalid input'],
  ['\0joe\0pass\0', 'invalid input'],
  ['\0joe\0pa\0ss', 'invalid input'],
  [Buffer.concat([Buffer.from('\0'), nonUtf8, Buffer.from('\0pass')]), 'Username is not valid UTF-8'],
  [`\0joe\0${'x'.repeat(9000)}`, 'Authentication response too large'],
]

for (const [message, why] of plainMessages) {
  test(`PLAIN ${JSON.stringify(message.toString('latin1').slice(0, 20))} is refused: ${why}`, async () => {
    assert.equal(await serve('PLAIN', [message]), `refused : malformed, ${why}`)
  })
}

/** First message of each mechanism, and why it is refused. */
const firstMessages: readonly (readonly [string, string | Buffer, string])[] = [
  ['LOGIN', 'jo\0e', 'refused : malformed, NULs in username'],
  ['LOGIN', nonUtf8, 'refused : malformed, Username is not valid UTF-8'],
  ['CRAM-MD5', '', 'refused : malformed, missing digest'],
  ['CRAM-MD5', 'joe', 'refused : malformed, missing digest'],
  ['CRAM-MD5', ' abc', 'refused : malformed, missing digest'],
  ['CRAM-MD5', 'joe\0 abc', 'refused : malformed, NULs in response'],
  ['CRAM-MD5', 'joe ', 'refused joe: wrong-proof'],
  ['CRAM-MD5', `joe ${'0'.repeat(32)}`, 'refused joe: wrong-proof'],
  ['CRAM-MD5', `a b c ${'0'.repeat(32)}`, 'refused a b c: unknown'],
  ['DIGEST-MD5', '', 'refused : malformed, Client sent no input'],
  ['DIGEST-MD5', 'x', 'refused : malformed, Invalid directive'],
  ['DIGEST-MD5', 'a="b', 'refused : malformed, Invalid directive'],
  ['DIGEST-MD5', 'a=b\0c', 'refused : malformed, Invalid directive'],
  ['DIGEST-MD5', 'username="joe"', 'refused : malformed, Missing nonce parameter'],
  ['DIGEST-MD5', 'nonce="x"', 'refused : malformed, Invalid nonce'],
  ['DIGEST-MD5', 'nonce="x",nonce="y"', 'refused : malformed, nonce must not exist more than once'],
  ['SCRAM-SHA-1', '', 'refused : malformed, Invalid initial client message'],
  ['SCRAM-SHA-1', 'n,,n=joe', 'refused : malformed, Invalid initial client message'],
  ['SCRAM-SHA-1', 'x,,n=joe,r=abc', 'refused : malformed, Invalid GS2 header'],
  ['SCRAM-SHA-1', 'p=,,n=joe,r=abc', 'refused : malformed, Invalid GS2 header'],
  ['SCRAM-SHA-1', 'p=tls-unique,,n=joe,r=abc', 'refused : malformed, Channel binding not supported'],
  ['SCRAM-SHA-1', 'n,b,n=joe,r=abc', 'refused : malformed, Invalid authzid field'],
  ['SCRAM-SHA-1', 'n,a=x=2X,n=joe,r=abc', 'refused : malformed, authzid escaping is invalid'],
  ['SCRAM-SHA-1', 'n,,m=1,n=joe,r=abc', 'refused : malformed, Mandatory extension(s) not supported'],
  ['SCRAM-SHA-1', 'n,,joe,r=abc', 'refused : malformed, Invalid username field'],
  ['SCRAM-SHA-1', 'n,,n=j=oe,r=abc', 'refused : malformed, Username escaping is invalid'],
  ['SCRAM-SHA-1', 'n,,n=j\0oe,r=abc', 'refused : malformed, NULs in username'],
  ['SCRAM-SHA-1', 'n,,n=joe,abc', 'refused : malformed, Invalid client nonce'],
  ['SCRAM-SHA-1', 'n,,n=joe,r=', 'refused : malformed, Invalid client nonce'],
  ['SCRAM-SHA-1', 'n,,n=joe,r=a\nb', 'refused : malformed, Invalid client nonce'],
  ['SCRAM-SHA-1', 'n,,n=jane,r=abc', 'refused jane: unknown'],
  ['SCRAM-SHA-1-PLUS', 'n,,n=joe,r=abc', 'refused : malformed, Channel binding required'],
  [
    'SCRAM-SHA-1-PLUS',
    'p=tls-unique,,n=joe,r=abc',
    'refused : malformed, Channel binding type tls-unique not supported',
  ],
  ['EXTERNAL', 'jo\0e', 'refused : malformed, NULs in username'],
  ['APOP', '', 'refused : malformed, invalid APOP input'],
]

for (const [name, message, text] of firstMessages) {
  test(`${name} ${JSON.stringify(message.toString('latin1'))} gives "${text}"`, async () => {
    const answers = name === 'APOP' || name === 'EXTERNAL' ? [] : [message]
    const overrides = answers.length === 0 ? { initial: Buffer.from(message) } : {}
    assert.equal(await serve(name, answers, overrides), text)
  })
}

const oauthMessages = [
  ['OAUTHBEARER', '', 'Invalid continued data'],
  ['OAUTHBEARER', 'n,a=joe,\x01\x01', 'Missing username or token'],
  ['OAUTHBEARER', 'n,,\x01auth=Bearer x\x01\x01', 'Missing username or token'],
  ['OAUTHBEARER', 'n,a=j=oe,\x01auth=Bearer x\x01\x01', 'Invalid username escaping'],
  ['OAUTHBEARER', 'p=tls-unique,a=joe,\x01auth=Bearer x\x01\x01', 'Client requested and used channel-binding'],
  ['OAUTHBEARER', 'f,n,a=joe,\x01auth=Bearer x\x01\x01', 'Client requested non-standard mechanism'],
  ['OAUTHBEARER', 'z,a=joe,\x01auth=Bearer x\x01\x01', 'Invalid gs2-header in request'],
  ['OAUTHBEARER', 'n,a=joe,\x01auth=Basic x\x01\x01', 'Invalid continued data'],
  ['OAUTHBEARER', 'n,a=joe,\x01auth=Bearer x y\x01\x01', 'Invalid continued data'],
  ['OAUTHBEARER', 'n,a=joe,\x01auth=Bearer \x01\x01', 'Invalid continued data'],
  ['OAUTHBEARER', 'n,a=jo\0e,\x01auth=Bearer x\x01\x01', 'NULs in username'],
  ['XOAUTH2', '', 'Username or token missing'],
  ['XOAUTH2', 'user=joe\x01\x01', 'Username or token missing'],
  ['XOAUTH2', 'auth=Bearer x\x01\x01', 'Username or token missing'],
  ['XOAUTH2', 'user=joe\x01auth=Bearer x\ny\x01\x01', 'Invalid continued data'],
] as const

for (const [name, message, why] of oauthMessages) {
  test(`${name} ${JSON.stringify(message)}: the error challenge, then the refusal: ${why}`, async () => {
    const { io, challenges } = scriptedIo([''], { initial: Buffer.from(message, 'latin1') })
    const verdict = await findMechanism(name)?.authenticate(io, new FakeAuth(users))
    assert.equal(verdict?.text, `refused : malformed, ${why}`)
    assert.equal(challenges.length, 1)
  })
}

/** Answers DIGEST-MD5 as a client would, after `change`. */
async function digest(change: (response: string) => string, overrides = {}): Promise<string | undefined> {
  const client = findMechanism('DIGEST-MD5')?.client?.(clientCredentials('joe', 'pass'))
  const io = {
    ...scriptedIo([]).io,
    challenge: (challenge: Buffer) =>
      Promise.resolve(Buffer.from(change(client?.respond(challenge).toString('latin1') ?? ''), 'latin1')),
    finish: () => Promise.resolve(),
    ...overrides,
  }
  return (await findMechanism('DIGEST-MD5')?.authenticate(io, new FakeAuth(users)))?.text
}

const digestChanges: readonly (readonly [string, (response: string) => string, string])[] = [
  ['nothing', (text) => text, 'ok joe'],
  ['blanks and empty elements', (text) => ` ,\t${text.replaceAll(',', ' , ,\r\n ')},`, 'ok joe'],
  ['upper case keys', (text) => text.replace(/(?:^|,)[a-z-]+=/g, (key) => key.toUpperCase()), 'ok joe'],
  ['unknown directives', (text) => `${text},cipher=rc4,x="\\"",maxbuf=1`, 'ok joe'],
  ['no nc, no qop', (text) => text.replace(',nc=00000001', '').replace(',qop=auth', ''), 'ok joe'],
  ['another password', (text) => text.replace(/response=./, 'response=x'), 'refused joe: wrong-proof'],
  ['short response', (text) => text.replace(/response=./, 'response='), 'refused : malformed, Invalid response value'],
  ['no response', (text) => text.replace(/response=\w+/, ''), 'refused : malformed, Missing response parameter'],
  [
    'nc=2',
    (text) => text.replace('nc=00000001', 'nc=00000002'),
    'refused : malformed, re-auth not supported currently',
  ],
  ['nc=x', (text) => text.replace('nc=00000001', 'nc=x'), 'refused : malformed, nonce-count value invalid'],
  ['auth-int', (text) => text.replace('qop=auth', 'qop=auth-int'), 'refused : malformed, Nonallowed QoP requested'],
  ['charset', (text) => text.replace('utf-8', 'koi8-r'), 'refused : malformed, Only utf-8 charset is allowed'],
  ['no cnonce', (text) => text.replace('cnonce', 'x'), 'refused : malformed, Missing cnonce parameter'],
  ['digest-uri', (text) => text.replace('imap/', ''), 'refused : malformed, Invalid digest-uri'],
  ['two names', (text) => `${text},username="jane"`, 'refused : malformed, username must not exist more than once'],
  ['empty authzid', (text) => `${text},authzid=""`, 'refused : malformed, empty authzid'],
]

for (const [what, change, text] of digestChanges) {
  test(`DIGEST-MD5 with ${what} gives "${text}"`, async () => {
    assert.equal(await digest(change), text)
  })
}

test('DIGEST-MD5: with auth_realms no other realm is taken, and the realm becomes the domain', async () => {
  const realms = ['example.org']
  assert.equal(
    await digest((text) => text.replace('"example.org"', '"elsewhere"'), { realms }),
    'refused : malformed, Invalid realm',
  )
  assert.equal(await digest((text) => text, { realms }), 'refused joe@example.org: unknown')
})

/** Runs SCRAM-SHA-1 with the client's last message changed. */
async function scram(change: (final: string) => string, overrides = {}): Promise<string | undefined> {
  const client = findMechanism('SCRAM-SHA-1')?.client?.(clientCredentials('joe', 'pass'))
  const io = {
    ...scriptedIo([]).io,
    initial: client?.initial(),
    challenge: (challenge: Buffer) =>
      Promise.resolve(Buffer.from(change(client?.respond(challenge).toString('latin1') ?? ''), 'latin1')),
    finish: () => Promise.resolve(),
    ...overrides,
  }
  return (await findMechanism('SCRAM-SHA-1')?.authenticate(io, new FakeAuth(users)))?.text
}

const scramChanges: readonly (readonly [string, (final: string) => string, string])[] = [
  ['nothing', (text) => text, 'ok joe'],
  ['an empty message', () => '', 'refused joe: malformed, Invalid final client message'],
  [
    'another channel binding',
    (text) => text.replace('c=biws', 'c=eSws'),
    'refused joe: malformed, Invalid channel binding data',
  ],
  [
    'no channel binding',
    (text) => text.replace('c=biws', 'x=biws'),
    'refused joe: malformed, Invalid channel binding data',
  ],
  ['bad base64', (text) => text.replace('c=biws', 'c=biw'), 'refused joe: malformed, Invalid base64 encoding'],
  ['another nonce', (text) => text.replace('r=', 'r=x'), 'refused joe: malformed, Wrong nonce'],
  ['no proof', (text) => text.replace(',p=', ',x='), 'refused joe: malformed, Invalid ClientProof'],
  ['a short proof', (text) => text.replace(/p=....=*/, 'p='), 'refused joe: malformed, Invalid ClientProof length'],
  ['an extension that was not signed', (text) => text.replace(',p=', ',x=y,p='), 'refused joe: wrong-proof'],
  ['a huge message', (text) => text + 'x'.repeat(9000), 'refused joe: malformed, Authentication response too large'],
]

for (const [what, change, text] of scramChanges) {
  test(`SCRAM with ${what} gives "${text}"`, async () => {
    assert.equal(await scram(change), text)
  })
}

test('SCRAM: a client that was kept from seeing the -PLUS mechanisms is refused', async () => {
  const initial = Buffer.from('y,,n=joe,r=abc')
  const why = 'Channel binding was listed, but the client did not see it'
  assert.equal(await serve('SCRAM-SHA-1', [], { initial, channelBindingListed: true }), `refused : malformed, ${why}`)
  await assert.rejects(serve('SCRAM-SHA-1', [], { initial }), /no answer left/, 'without -PLUS the flag is right')
})

test('SCRAM-PLUS: another TLS connection has other data', async () => {
  const mechanism = findMechanism('SCRAM-SHA-256-PLUS')
  assert.ok(mechanism)
  const bound = (text: string) => ({ channelBinding: () => Buffer.from(text) })
  const login = async (client: string, server: string) =>
    (await play(mechanism, new FakeAuth(users), clientCredentials('joe', 'pass', bound(client)), { io: bound(server) }))
      .verdict.text
  assert.equal(await login('tls', 'tls'), 'ok joe')
  assert.equal(await login('tls', 'somebody between'), 'refused joe: malformed, Invalid channel binding data')
  assert.throws(() => mechanism.client?.(clientCredentials('joe', 'pass')), {
    message: 'The connection has no channel binding data',
  })
})

function scramClient(): { readonly client: SaslClient; readonly nonce: string } {
  const client = findMechanism('SCRAM-SHA-256')?.client?.(clientCredentials('joe', 'pass'))
  assert.ok(client)
  return { client, nonce: /r=(.*)$/.exec(client.initial()?.toString() ?? '')?.[1] ?? '' }
}

const serverFirsts: readonly (readonly [string, (nonce: string) => string])[] = [
  ['Wrong nonce', (nonce) => `r=x${nonce},s=AAAA,i=4096`],
  ['Wrong nonce', (nonce) => `r=${nonce},s=AAAA,i=4096`],
  ['Wrong nonce', () => 'r=x,s=AAAA,i=4096'],
  ['Iteration count 1 is not between 4096 and 100000', (nonce) => `r=${nonce}x,s=AAAA,i=1`],
  ['Iteration count 1000000000 is not between 4096 and 100000', (nonce) => `r=${nonce}x,s=AAAA,i=1000000000`],
  ['Invalid server-first message', (nonce) => `r=${nonce}x,s=AAAA,i=99999999999999999999`],
  ['Invalid server-first message', (nonce) => `r=${nonce}x,s=AAAA`],
  ['Invalid server-first message', (nonce) => `m=x,r=${nonce}x,s=AAAA,i=4096`],
  ['Invalid base64 encoding', (nonce) => `r=${nonce}x,s=A!AA,i=4096`],
  ['Invalid server-first message', () => ''],
  ['Invalid server-first message', () => 'e=other-error'],
]

for (const [why, message] of serverFirsts) {
  test(`a SCRAM client refuses "${message('NONCE')}": ${why}`, { timeout: 60_000 }, () => {
    const { client, nonce } = scramClient()
    assert.throws(() => client.respond(Buffer.from(message(nonce))), { name: 'SaslError', message: why })
  })
}

test('a SCRAM client believes only a server that knows the password', () => {
  const answered = () => {
    const { client, nonce } = scramClient()
    client.respond(Buffer.from(`r=${nonce}x,s=AAAA,i=4096`))
    return client
  }
  const wrong = { name: 'SaslError', message: 'Server signature is wrong' }
  assert.throws(() => answered().respond(Buffer.from('v=AAAA')), wrong)
  assert.throws(() => answered().respond(Buffer.from('')), wrong)
  assert.throws(() => answered().finish(Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`)), wrong)
  assert.throws(() => answered().finish(undefined), { message: 'Server did not prove that it knows the password' })
  assert.throws(() => scramClient().client.finish(undefined), {
    message: 'Server did not prove that it knows the password',
  })
  assert.equal(answered().respond(Buffer.from('e=invalid-proof')).length, 0, 'the refusal follows')
})

test('a DIGEST-MD5 client believes only a server that knows the password', () => {
  const client = findMechanism('DIGEST-MD5')?.client?.(clientCredentials('joe', 'pass'))
  assert.ok(client)
  for (const challenge of ['', 'realm="x"', 'nonce=""', 'junk', 'nonce="a",nonce="b"']) {
    assert.throws(() => client.respond(Buffer.from(challenge)), { name: 'SaslError' }, challenge)
  }
  assert.throws(() => client.respond(Buffer.from('nonce="a",qop="auth-int,auth-conf"')), {
    message: 'Server offers no qop=auth',
  })
  client.respond(Buffer.from('realm="x",nonce="a",qop="auth-int, auth"'))
  assert.throws(() => client.finish(undefined), { message: 'Server did not prove that it knows the password' })
  assert.throws(() => client.respond(Buffer.from('rspauth=00')), { message: 'Server signature is wrong' })
})

test('clients that have said everything refuse another challenge', () => {
  for (const name of ['PLAIN', 'EXTERNAL', 'ANONYMOUS']) {
    const client = findMechanism(name)?.client?.(clientCredentials('joe', 'pass'))
    assert.throws(() => client?.respond(Buffer.alloc(0)), { name: 'SaslError' })
  }
  const login = findMechanism('LOGIN')?.client?.(clientCredentials('joe', 'pass'))
  assert.deepEqual([login?.respond(Buffer.from('Username:')), login?.respond(Buffer.from('pw?'))].map(String), [
    'joe',
    'pass',
  ])
  assert.throws(() => login?.respond(Buffer.from('again')), { name: 'SaslError' })
})

test('a database or the connection failing is not taken for the client', async () => {
  const failing = Object.assign(new FakeAuth(users), { verifyPlain: () => Promise.reject(new Error('down')) })
  const { io } = scriptedIo(['\0joe\0pass'])
  await assert.rejects(async () => findMechanism('PLAIN')?.authenticate(io, failing), /down/)
})

const special = fc.constantFrom(
  ...'\0\0\x01,=\\"'.split(''),
  'n,',
  'a=',
  'n=',
  'r=',
  'c=',
  'p=',
  'joe',
  'auth=Bearer ',
  'nonce=',
  ' ',
  'user=',
)
const junk = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: special, maxLength: 60 }).map((text) => Buffer.from(text)),
)

for (const mechanism of mechanisms) {
  test(`${mechanism.name}: junk is refused, never more`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(junk, { minLength: 4, maxLength: 4 }), fc.boolean(), async (messages, hasInitial) => {
        const [first, ...rest] = messages
        const { io } = scriptedIo(
          hasInitial ? rest : messages,
          hasInitial && first !== undefined ? { initial: first } : {},
        )
        const verdict = await mechanism.authenticate(io, new FakeAuth({}))
        assert.equal(verdict.ok, mechanism.name === 'ANONYMOUS')
      }),
      { numRuns: 300 },
    )
  })
}

for (const mechanism of mechanisms) {
  if (mechanism.client === undefined || mechanism.bindsChannel === true) continue
  test(`${mechanism.name}: a client survives a server's junk`, () => {
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 3 }), (challenges) => {
        const client = mechanism.client?.(clientCredentials('joe', 'pass'))
        try {
          client?.initial()
          for (const challenge of challenges) client?.respond(challenge)
        } catch (error) {
          assert.equal(error instanceof Error && error.name, 'SaslError')
        }
      }),
      { numRuns: 300 },
    )
  })
}

test('long blanks and long words take no long time', { timeout: 60_000 }, async () => {
  for (const text of [
    'a=' + ' '.repeat(8000) + '"',
    ' '.repeat(8190),
    'a'.repeat(8190),
    `a="${'\\'.repeat(8000)}`,
    `a=${'b '.repeat(4000)}"`,
  ]) {
    assert.equal(await serve('DIGEST-MD5', [text]).then((answer) => answer?.startsWith('refused')), true)
  }
})
