import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Makes `import('koffi')` fail, as on a machine where the optional package could not be installed. */
const withoutKoffi = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(name, context, next) {
      if (name === 'koffi') throw new Error('not installed')
      return next(name, context)
    },
  })
`)}`

const checks = [
  [
    '{SHA512-CRYPT}$6$8ZJ2HmCwx8B2gI7.$rqNUlsAFnsUl7CYb2zJqQqTdLX3oMmnASFQHidIoFW2OgxzWHYlp473GvTQb8KNjGN5Zuw2v2y7V5uTGjbTzt1',
    'match',
  ],
  ['{SHA256-CRYPT}$5$N/YgFPpDJ.3N0UeO$q6RFNeD/0BbaX3/I3NjJTrmwq69Yc252nUvQeV/3mh1', 'match'],
  ['{MD5}$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0', 'match'],
  ['{CRYPT}$2x$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW', 'match'],
  ['{CRYPT}!', 'mismatch'],
  ['{CRYPT}*', 'mismatch'],
  ['{DES-CRYPT}85OW6.qRfHmWI', 'unavailable'],
  ['{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$YP0stL6kdhTxZHyKcn31A0B0eVQQETG9Sia9T6wA4Y9', 'unavailable'],
] as const

test('without libcrypt most crypt hashes still verify, and the others are a temporary failure', async () => {
  const script = `
    import { verifyPassword } from ${JSON.stringify(new URL('./verify.ts', import.meta.url).href)}
    import { Secret } from ${JSON.stringify(new URL('../../util/secret.ts', import.meta.url).href)}
    const outcomes = []
    for (const stored of ${JSON.stringify(checks.map(([stored]) => stored))}) {
      outcomes.push(await verifyPassword({ stored, defaultScheme: 'CRYPT', password: new Secret('pass'), user: '' }))
    }
    console.log(JSON.stringify(outcomes))
  `
  const { stdout } = await run(process.execPath, ['--import', withoutKoffi, '--input-type=module', '-e', script])
  const outcomes: { readonly kind: string; readonly log?: string }[] = JSON.parse(stdout)
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    checks.map(([, kind]) => kind),
  )
  assert.equal(outcomes.at(-1)?.log, 'This kind of crypt password needs libcrypt and the npm package koffi')
})
