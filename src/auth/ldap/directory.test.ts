// The ways to reach a directory: TLS, several servers, binds, and what an ext file may not say.
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { exactSettings, exactUsers } from '../../../test/peers/exact-directory.ts'
import { ldifEntry, SLAPD_SUFFIX, type SlapdPeer, skipWithoutSlapd, startSlapd } from '../../../test/peers/slapd.ts'
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/support/certificates.ts'
import { freePorts } from '../../../test/support/free-ports.ts'
import { openAuthService } from '../service.ts'
import { openTestAuth, type TestAuth, testAuthInput, testConnection } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'

const CONF =
  'auth_verbose = yes\nauth_username_chars =\npassdb {\n  driver = ldap\n  args = /ldap.ext\n}\nuserdb {\n  driver = ldap\n  args = /ldap.ext\n}'

async function open(t: TestContext, settings: string, files: Record<string, string> = {}): Promise<TestAuth> {
  const opened = await openTestAuth({ conf: CONF, files: { ...files, '/ldap.ext': settings }, clock: systemClock })
  t.after(() => opened.auth.close())
  return opened
}

const resultOf = async (db: TestAuth, user: string, password: string): Promise<string> => {
  const outcome = await db.login(user, password)
  return outcome.kind === 'ok' ? 'ok' : outcome.why.kind
}

describe('a directory', { skip: skipWithoutSlapd() }, () => {
  let peer: SlapdPeer
  let authority: Certificate
  let plain: string

  before(async () => {
    authority = await makeAuthority()
    peer = await startSlapd(await makeCertificate(authority))
    plain = `ldap://127.0.0.1:${peer.port}`
    await peer.run(exactUsers())
    await peer.run(
      ldifEntry(`ou=people,${SLAPD_SUFFIX}`, { objectClass: 'organizationalUnit', ou: 'people' }) +
        ldifEntry(`uid=ann,ou=people,${SLAPD_SUFFIX}`, {
          objectClass: 'exactUser',
          cn: 'ann',
          uid: 'ann',
          userPassword: 'anns',
          gidNumber: '7',
          settingsOf: `cn=1,${SLAPD_SUFFIX}`,
        }) +
        ldifEntry(`uid=bea,ou=people,${SLAPD_SUFFIX}`, { objectClass: 'exactUser', uid: 'bea', cn: ['100', '200'] }) +
        ldifEntry(`cn=twin1,${SLAPD_SUFFIX}`, { objectClass: 'exactUser', cn: 'twin1', exactName: 'twin' }) +
        ldifEntry(`cn=twin2,${SLAPD_SUFFIX}`, { objectClass: 'exactUser', cn: 'twin2', exactName: 'twin' }) +
        ldifEntry(`cn=twin3,${SLAPD_SUFFIX}`, { objectClass: 'exactUser', cn: 'twin3', exactName: 'twin' }),
    )
  })
  after(() => peer.stop())

  test('with ldaps and StartTLS, with an authority', async (t) => {
    const files = { '/ca.pem': authority.cert }
    const ca = 'tls_ca_cert_file = /ca.pem'
    const overTls = await open(t, exactSettings(`ldaps://127.0.0.1:${peer.tlsPort}`, `${ca}\nauth_bind = yes`), files)
    assert.equal(await resultOf(overTls, 'joe', 'secret0'), 'ok')
    const upgraded = await open(t, exactSettings(plain, `${ca}\ntls = yes\nauth_bind = yes`), files)
    assert.equal(await resultOf(upgraded, 'joe', 'secret0'), 'ok')
    assert.equal(await resultOf(upgraded, 'joe', 'wrong'), 'failed')
  })

  test('a certificate that nobody vouches for is a temporary failure, unless it need not be valid', async (t) => {
    for (const uri of [`ldaps://127.0.0.1:${peer.tlsPort}`, plain]) {
      const tls = uri === plain ? 'tls = yes\n' : ''
      const strict = await open(t, exactSettings(uri, tls))
      assert.equal(await resultOf(strict, 'joe', 'secret0'), 'temporary')
      assert.ok(
        strict.log.some((line) => /certificate/.test(line)),
        strict.log.join('\n'),
      )
      const lax = await open(t, exactSettings(uri, `${tls}tls_require_cert = never`))
      assert.equal(await resultOf(lax, 'joe', 'secret0'), 'ok')
    }
  })

  test('a server that is down is passed over', async (t) => {
    const [port = 0] = await freePorts(1)
    const dead = `ldap://127.0.0.1:${port}`
    const db = await open(t, exactSettings(`${dead} ${plain}`))
    assert.equal(await resultOf(db, 'joe', 'secret0'), 'ok')
    assert.ok(
      db.log.some((line) => line.includes(`LDAP: ${dead} failed: Connection refused`)),
      db.log.join('\n'),
    )
  })

  test('auth_bind_userdn binds without a search; what the name holds stays in it', async (t) => {
    const db = await open(
      t,
      exactSettings(plain, `auth_bind = yes\nauth_bind_userdn = uid=%u,ou=people,${SLAPD_SUFFIX}`),
    )
    assert.equal(await resultOf(db, 'ann', 'anns'), 'ok')
    assert.equal(await resultOf(db, 'ann', 'wrong'), 'failed')
    assert.equal(await resultOf(db, 'nobody', 'anns'), 'failed')
    for (const name of ['ann,ou=people', `ann,ou=people,${SLAPD_SUFFIX}`, 'x+uid=ann', '', '*', 'ann\\'])
      assert.equal(await resultOf(db, name, 'anns'), 'failed', name)
  })

  test('an empty password never binds', async (t) => {
    for (const more of ['auth_bind = yes', `auth_bind = yes\nauth_bind_userdn = uid=%u,ou=people,${SLAPD_SUFFIX}`]) {
      const db = await open(t, exactSettings(plain, more))
      assert.equal(await resultOf(db, 'joe', ''), 'failed')
    }
  })

  test('two entries for one user are a fault', async (t) => {
    for (const more of ['', 'auth_bind = yes']) {
      const db = await open(t, exactSettings(plain, more))
      assert.equal(await resultOf(db, 'twin', 'secret0'), 'temporary')
      assert.ok(db.log.some((line) => line.endsWith('pass_filter matched multiple objects, aborting')))
    }
  })

  test('wrong administrator, wrong base and a broken filter are temporary failures', async (t) => {
    for (const [more, log] of [
      ['dnpass = wrong', /Invalid credentials/],
      ['base = dc=elsewhere', /No such object|Server does not hold/],
      ['pass_filter = (uid=%u', /Unbalanced parens/],
      ['pass_filter = (uid=%{nosuch})', /Failed to expand pass_filter/],
    ] as const) {
      const db = await open(t, exactSettings(plain, more))
      assert.equal(await resultOf(db, 'joe', 'secret0'), 'temporary', more)
      assert.match(db.log.join('\n'), log)
    }
  })

  test('an entry may point to another one with more attributes', async (t) => {
    const db = await open(
      t,
      exactSettings(
        plain,
        'user_filter = (uid=%u)\nuser_attrs = gidNumber=gid,@other=%{ldap:settingsOf},mailServer@other=mail',
      ),
    )
    const found = await db.auth.lookupUser(testConnection, 'ann', undefined, AbortSignal.timeout(PATIENCE_MS))
    assert.equal(found.kind === 'found' && found.fields.get('mail'), '10.0.0.2')
    assert.equal(found.kind === 'found' && found.fields.get('gid'), '7')
  })

  test('several groups are one field', async (t) => {
    const db = await open(t, exactSettings(plain, 'user_filter = (uid=%u)\nuser_attrs = cn=gid'))
    const found = await db.auth.lookupUser(testConnection, 'bea', undefined, AbortSignal.timeout(PATIENCE_MS))
    assert.equal(found.kind === 'found' && found.fields.get('gid'), '100,200')
  })

  test('a SASL bind that the server refuses is a temporary failure', async (t) => {
    const sasl = await open(t, exactSettings(plain, 'sasl_bind = yes\nsasl_mech = external'))
    assert.equal(await resultOf(sasl, 'joe', 'secret0'), 'temporary')
  })

  test('doctor names the server that is wrong', async (t) => {
    const db = await open(t, exactSettings(`${plain} ldap://127.0.0.1:1`))
    const [first] = await db.auth.check(AbortSignal.timeout(PATIENCE_MS))
    assert.equal(first?.problem, 'ldap://127.0.0.1:1: Connection refused')
  })
})

const faults: readonly (readonly [settings: string, complaint: RegExp])[] = [
  ['uris = ldap://a', /^LDAP \/ldap.ext: No base given$/],
  ['base = dc=a', /^LDAP \/ldap.ext: No uris or hosts set$/],
  ['base = dc=a\nuris = ldaps://a\ntls = yes', /Don't use both tls=yes and ldaps URI/],
  ['base = dc=a\nuris = http://a', /ldap_initialize\(\) failed for uri 'http:\/\/a'/],
  ['base = dc=a\nuris = ldap://a:99999', /ldap_initialize/],
  ['base = dc=a\nhosts = a\ntls_require_cert = maybe', /Unknown tls_require_cert value 'maybe'/],
  ['base = dc=a\nhosts = a\nsasl_bind = yes\nsasl_mech = gssapi', /sasl_mech=gssapi is not supported/],
  ['base = dc=a\nhosts = a\nldap_version = 2', /ldap_version=2 is not supported/],
  ['base = dc=a\nhosts = a\npass_attrs = uid=', /Invalid attrs entry: uid=/],
  ['base = dc=a\nhosts = a\ntls_ca_cert_file = /nowhere', /No such file/],
  ['nonsense = 1', /Unknown setting: nonsense/],
]

for (const [settings, complaint] of faults) {
  test(`an ext file may not say: ${settings.replaceAll('\n', ', ')}`, async () => {
    const { input } = testAuthInput({ conf: CONF, files: { '/ldap.ext': settings } })
    await assert.rejects(openAuthService(input), { message: complaint })
  })
}

test('aliases are not followed, and the log says so', async (t) => {
  const { input, log } = testAuthInput({
    conf: CONF,
    files: { '/ldap.ext': 'base = dc=a\nuris = ldap://127.0.0.1:1\nderef = always' },
  })
  const auth = await openAuthService(input)
  t.after(() => auth.close())
  assert.ok(log.includes('warning auth: LDAP /ldap.ext: deref=always is not supported: aliases are not followed'))
})
