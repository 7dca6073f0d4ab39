import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../util/secret.ts'
import { openTestAuth, testConnection } from './testing/open-auth.ts'
import { block } from './testing/service-options.ts'

const never = new AbortController().signal

test('mechanisms = none is for lookups without a login', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'static', 'password=x from=lookup', 'mechanisms = none') +
      block('passdb', 'static', 'password=s from=login', 'mechanisms = plain'),
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('joe', 's')
  assert.equal(outcome.kind === 'ok' && outcome.fields.get('from'), 'login')
  const found = await db.auth.lookupPassdb(testConnection, 'joe', never)
  assert.equal(found.kind === 'found' && found.fields.get('from'), 'lookup')
})

test('a protocol block has its own databases, asked before the global ones', async (t) => {
  const db = await openTestAuth({
    conf: `protocol pop3 {\n${block('passdb', 'static', 'password=p from=pop3')}}\n${block('passdb', 'static', 'password=g from=global')}`,
  })
  t.after(() => db.auth.close())
  const from = async (service: string, password: string): Promise<string | undefined> => {
    const outcome = await db.login('joe', password, { connection: { service } })
    return outcome.kind === 'ok' ? outcome.fields.get('from') : undefined
  }
  assert.equal(await from('pop3', 'p'), 'pop3')
  assert.equal(await from('pop3', 'g'), 'global')
  assert.equal(await from('imap', 'p'), undefined)
  assert.equal(await from('imap', 'g'), 'global')
  assert.equal(await from('wibble', 'g'), 'global')
})

test('fields that a trusted proxy forwarded can be used and go on', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'static', 'password=x') +
      block(
        'passdb',
        'static',
        'password=s tenant=%{passdb:forward_tenant} old=%{forward_tenant} none=%{passdb:forward_no:none}',
      ),
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('joe', 's', { connection: { forward: new Map([['tenant', 'acme']]) } })
  assert.deepEqual(outcome.kind === 'ok' && Object.fromEntries(outcome.fields), {
    forward_tenant: 'acme',
    tenant: 'acme',
    old: 'acme',
    none: 'none',
  })
})

test('every %variable of a login has its value', async (t) => {
  const names = [
    ['u', '%u'],
    ['n', '%n'],
    ['d', '%d'],
    ['df', '%{domain_first}'],
    ['dl', '%{domain_last}'],
    ['s', '%s'],
    ['l', '%l'],
    ['r', '%r'],
    ['a', '%a'],
    ['b', '%b'],
    ['rl', '%{real_lip}'],
    ['rr', '%{real_rip}'],
    ['ra', '%{real_lport}'],
    ['rb', '%{real_rport}'],
    ['w', '%w'],
    ['m', '%m'],
    ['c', '%c'],
    ['k', '%k'],
    ['id', '%!'],
    ['h', '%h'],
    ['session', '%{session}'],
    ['ou', '%{orig_user}'],
    ['on', '%{orig_username}'],
    ['od', '%{orig_domain}'],
    ['au', '%{auth_user}'],
    ['lu', '%{login_user}'],
    ['mu', '%{master_user}'],
    ['ln', '%{local_name}'],
    ['ci', '%{client_id}'],
    ['rip2', '%{remote_ip}'],
    ['pid', '%p'],
  ]
  const db = await openTestAuth({
    conf: block('passdb', 'static', `nopassword=y ${names.map(([key, value]) => `${key}=${value}`).join(' ')}`),
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('Joe@A.example@b', 'pw', {
    connection: { localName: 'sni.example', clientId: '("name" "x")', certificateUser: 'joe' },
  })
  assert.deepEqual(outcome.kind === 'ok' && Object.fromEntries(outcome.fields), {
    u: 'joe@a.example@b',
    n: 'joe',
    d: 'a.example@b',
    df: 'a.example',
    dl: 'b',
    s: 'imap',
    l: '192.0.2.1',
    r: '198.51.100.7',
    a: '143',
    b: '40000',
    rl: '10.0.0.1',
    rr: '10.0.0.9',
    ra: '10143',
    rb: '40001',
    w: 'pw',
    m: 'PLAIN',
    c: 'TLS',
    k: 'valid',
    id: '1',
    h: '',
    session: 'sess',
    ou: 'Joe@A.example@b',
    on: 'Joe',
    od: 'A.example@b',
    au: 'Joe@A.example@b',
    lu: '',
    mu: '',
    ln: 'sni.example',
    ci: '("name" "x")',
    rip2: '198.51.100.7',
    pid: String(process.pid),
  })
})

test('the name on the certificate may take the place of the name given', async (t) => {
  const db = await openTestAuth({
    conf: `auth_ssl_username_from_cert = yes\n${block('passdb', 'static', 'password=s')}`,
  })
  t.after(() => db.auth.close())
  const outcome = await db.login('whoever', 's', { connection: { certificateUser: 'Joe' } })
  assert.equal(outcome.kind === 'ok' && `${outcome.originalUser} is ${outcome.user}`, 'whoever is joe')
})

for (const [setting, result] of [
  ['yes', 'joe'],
  ['no', 'failed'],
]) {
  test(`EXTERNAL has a name only from a certificate that is asked for it (auth_ssl_username_from_cert = ${setting})`, async (t) => {
    const db = await openTestAuth({
      conf: `auth_mechanisms = plain external\nauth_ssl_username_from_cert = ${setting}\n${block('passdb', 'static', 'nopassword=y')}`,
    })
    t.after(() => db.auth.close())
    const outcome = await db.auth.authenticate(
      { ...testConnection, certificateUser: 'joe' },
      {
        mechanism: 'EXTERNAL',
        initial: new Secret(''),
        challenge: () => Promise.reject(new Error('nobody there')),
        finish: () => Promise.resolve(),
        channelBinding: () => undefined,
      },
      new AbortController().signal,
    )
    const refused = outcome.kind === 'refused' ? outcome.why.kind : 'let in'
    assert.equal(outcome.kind === 'ok' ? outcome.user : refused, result)
  })
}
