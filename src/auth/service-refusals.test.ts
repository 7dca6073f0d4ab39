import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LoginOptions, openTestAuth, type OpenOptions } from './testing/open-auth.ts'
import { block, refusal, users } from './testing/service-options.ts'

const refusals: {
  why: string
  options: OpenOptions
  user?: string
  password?: string
  login?: LoginOptions
  expected: unknown
}[] = [
  { why: 'a wrong password', options: users('joe:{PLAIN}s'), password: 'x', expected: { kind: 'failed' } },
  { why: 'an unknown user', options: users('joe:{PLAIN}s'), user: 'jane', expected: { kind: 'failed' } },
  {
    why: 'a name that is not allowed',
    options: users('joe:{PLAIN}s'),
    user: 'joe smith',
    expected: { kind: 'failed' },
  },
  {
    why: 'a password with a line break',
    options: users('joe:{PLAIN}s'),
    password: 's\r\n',
    expected: { kind: 'failed' },
  },
  { why: 'nologin', options: users('joe:{PLAIN}s:::::: nologin'), expected: { kind: 'nologin' } },
  {
    why: 'nologin with a reason',
    options: users('joe:{PLAIN}s:::::: nologin reason=Bye'),
    expected: { kind: 'nologin', reason: 'Bye' },
  },
  {
    why: 'nologin with a host is a referral',
    options: users('joe:{PLAIN}s:::::: nologin host=imap2.example.org port=1143 destuser=j'),
    expected: { kind: 'referral', user: 'j', mechanism: 'PLAIN', host: 'imap2.example.org', port: 1143 },
  },
  {
    why: 'a referral to the default port, with a reason',
    options: users('joe:{PLAIN}s:::::: nologin host=h reason=Moved destuser='),
    expected: { kind: 'referral', user: 'joe', mechanism: 'PLAIN', host: 'h', reason: 'Moved' },
  },
  {
    why: 'nologin is for the backend when proxied',
    options: users('joe:{PLAIN}s:::::: nologin proxy host=h'),
    expected: 'ok',
  },
  {
    why: 'and for the route to decide with proxy_maybe',
    options: users('joe:{PLAIN}s:::::: nologin proxy_maybe host=h'),
    expected: 'ok',
  },
  { why: 'a host alone', options: users('joe:{PLAIN}s:::::: host=h'), expected: 'ok' },
  {
    why: 'a user on a deny list',
    options: {
      conf: block('passdb', 'passwd-file', '/users', 'deny = yes') + block('passdb', 'static', 'password=s'),
      files: { '/users': 'joe\n' },
    },
    expected: { kind: 'user-disabled' },
  },
  {
    why: 'a reason that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s reason=Later', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': 'jane:{PLAIN}x\n' },
    },
    expected: { kind: 'failed', reason: 'Later' },
  },
  {
    why: 'the field temp that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s temp', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'temporary' },
  },
  {
    why: 'the field code=temp_fail that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=temp_fail', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'temporary' },
  },
  {
    why: 'the field code=pass_expired that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=pass_expired', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'password-expired' },
  },
  {
    why: 'the field code=user_disabled that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=user_disabled', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'user-disabled' },
  },
  {
    why: 'the field code=whatever that an earlier database left',
    options: {
      conf:
        block('passdb', 'static', 'password=s code=whatever', 'result_success = continue') +
        block('passdb', 'passwd-file', '/users'),
      files: { '/users': '' },
    },
    expected: { kind: 'failed' },
  },
  {
    why: 'an unknown mechanism',
    options: users('joe:{PLAIN}s'),
    login: { mechanism: 'CRAM-MD5' },
    expected: { kind: 'unsupported-mechanism' },
  },
  { why: 'a mechanism in lower case', options: users('joe:{PLAIN}s'), login: { mechanism: 'plain' }, expected: 'ok' },
  {
    why: 'no client certificate',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_ssl_require_client_cert = yes\n${users().conf}` },
    expected: { kind: 'failed', reason: "Client didn't present valid SSL certificate" },
  },
  {
    why: 'credentials for a challenge',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = plain cram-md5\n${users().conf}` },
    login: { mechanism: 'CRAM-MD5' },
    expected: 'ok',
  },
  {
    why: 'a wrong answer to a challenge',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = plain cram-md5\n${users().conf}` },
    password: 'x',
    login: { mechanism: 'CRAM-MD5' },
    expected: { kind: 'failed' },
  },
  {
    why: 'a hash that cannot serve the challenge',
    options: {
      ...users('joe:{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='),
      conf: `auth_mechanisms = plain cram-md5\n${users().conf}`,
    },
    login: { mechanism: 'CRAM-MD5' },
    expected: { kind: 'failed' },
  },
  {
    why: 'anonymous',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = anonymous\n${users().conf}` },
    login: { mechanism: 'ANONYMOUS' },
    expected: 'ok',
  },
  {
    why: 'anonymous where mail is sent',
    options: { ...users('joe:{PLAIN}s'), conf: `auth_mechanisms = anonymous\n${users().conf}` },
    login: { mechanism: 'ANONYMOUS', connection: { service: 'submission' } },
    expected: { kind: 'user-disabled' },
  },
]

for (const { why, options, user = 'joe', password = 's', login, expected } of refusals) {
  test(`a login: ${why}`, async (t) => {
    const db = await openTestAuth(options)
    t.after(() => db.auth.close())
    assert.deepEqual(refusal(await db.login(user, password, login)), expected, db.log.join('\n'))
  })
}
