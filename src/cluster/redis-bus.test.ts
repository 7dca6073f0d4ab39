import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterUrlError, parseClusterUrl } from './redis-bus.ts'

const good: readonly [text: string, url: string, prefix: string][] = [
  ['redis://192.0.2.1', 'redis://192.0.2.1', 'postern'],
  ['redis://:secret@localhost:6380/2', 'redis://:secret@localhost:6380/2', 'postern2'],
  ['rediss://user:secret@redis.example.org/0?prefix=mail', 'rediss://user:secret@redis.example.org/0', 'mail0'],
]
for (const [text, url, prefix] of good) {
  test(`${text} is understood`, () => assert.deepEqual(parseClusterUrl(text), { url, prefix }))
}

for (const text of ['localhost', 'http://localhost', 'redis://', 'redis://:hidden@host/x', 'redis://host/0/1', '']) {
  test(`'${text}' is no cluster, and the complaint holds no password`, () => {
    assert.throws(
      () => parseClusterUrl(text),
      (error) => error instanceof ClusterUrlError && !error.message.includes('hidden'),
    )
  })
}
