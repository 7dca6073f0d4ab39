import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeConfigOptions, UsageError } from './options.ts'

test('-c and -o are taken out in every spelling', () => {
  const taken = takeConfigOptions(['-c', '/x', 'joe', '-ossl=no', '--override=listen=::1', '-x'])
  assert.deepEqual(taken, { path: '/x', overrides: ['ssl=no', 'listen=::1'], rest: ['joe', '-x'] })
})

test('an option without its value is a usage error', () => {
  assert.throws(() => takeConfigOptions(['-c']), UsageError)
  assert.throws(() => takeConfigOptions(['-o', 'novalue']), UsageError)
})
