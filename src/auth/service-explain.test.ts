import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../util/secret.ts'
import { openTestAuth, testConnection } from './testing/open-auth.ts'
import { block, refusal, users } from './testing/service-options.ts'

const never = new AbortController().signal

test('an explanation names each step, its place, the origin of every field, and no secret', async (t) => {
  const db = await openTestAuth({
    conf:
      block('passdb', 'passwd-file', '/users', 'result_success = continue', 'default_fields = host=10.9.9.9') +
      block('passdb', 'static', 'pass=topsecret port=%a', 'override_fields = tenant=%d'),
    files: { '/users': '# users\njoe@example.org:{PLAIN}storedsecret:::::: host=10.0.0.%n proxy\n' },
  })
  t.after(() => db.auth.close())
  const { steps, outcome } = await db.auth.explain(testConnection, 'Joe@Example.org', new Secret('storedsecret'), never)
  assert.equal(outcome.kind, 'ok')
  assert.deepEqual(
    steps.map(({ part, at }) => [part, at?.line]),
    [
      ['username', undefined],
      ['passdb passwd-file', 3],
      ['passdb static', 9],
    ],
  )
  assert.match(steps[0]?.text ?? '', /Joe@Example\.org -> joe@example\.org/)
  assert.match(steps[1]?.text ?? '', /host=10\.0\.0\.%n -> 10\.0\.0\.joe/)
  assert.deepEqual(Object.fromEntries(steps[1]?.fields ?? []), {
    host: { value: '10.0.0.joe', from: '/users:2' },
    proxy: { value: '', from: '/users:2' },
  })
  assert.deepEqual(Object.fromEntries(steps[2]?.fields ?? []), {
    pass: { value: '[secret]', from: 'args' },
    port: { value: '143', from: 'args' },
    tenant: { value: 'example.org', from: 'override_fields, /dovecot.conf:9' },
  })
  assert.doesNotMatch(
    JSON.stringify(steps, (_, value: unknown) => (value instanceof Map ? [...value] : value)),
    /topsecret|storedsecret/,
  )
})

test('an explanation without a password looks up', async (t) => {
  const db = await openTestAuth(users('joe:{PLAIN}s:::::: host=h'))
  t.after(() => db.auth.close())
  const found = await db.auth.explain(testConnection, 'joe', undefined, never)
  assert.equal(found.outcome.kind, 'found')
  const unknown = await db.auth.explain(testConnection, 'jane', undefined, never)
  assert.equal(unknown.outcome.kind, 'unknown')
  assert.match(unknown.steps.at(-1)?.text ?? '', /unknown user/)
})

test('a fault in a driver is a temporary failure and a line in the log', async (t) => {
  const broken = {
    name: 'static',
    open: () => ({
      defaultScheme: 'PLAIN',
      lookup: () => {
        throw new TypeError('oops')
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }),
  }
  const db = await openTestAuth({ conf: block('passdb', 'static', 'password=s'), input: { passdbDrivers: [broken] } })
  t.after(() => db.auth.close())
  assert.deepEqual(refusal(await db.login('joe', 's')), { kind: 'temporary' })
  assert.match(db.log.join('\n'), /^error auth: static\(joe,198\.51\.100\.7,<sess>\): BUG: TypeError: oops/)
})
