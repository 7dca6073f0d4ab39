import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogLevel, type Observer, silent } from '../observe/events.ts'
import { createResolver, type LookUp, RESOLVE_LIMITS } from './resolve.ts'

function logging(): { observer: Observer; lines: string[] } {
  const lines: string[] = []
  const log = (level: LogLevel, service: string, text: string): number => lines.push(`${service}: ${level}: ${text}`)
  return { observer: { ...silent, log }, lines }
}

function counting(answer: LookUp): { lookUp: LookUp; asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    lookUp: async (name) => {
      asked.push(name)
      return await answer(name)
    },
  }
}

const withCode = (code: string): Error => Object.assign(new Error(code), { code })

test('a storm of logins asks once, and asks again when the answer is old', async () => {
  let nowMs = 0
  const { lookUp, asked } = counting(async () => ['10.0.0.5'])
  const resolver = createResolver({ observer: silent, now: () => nowMs, lookUp })
  const answers = await Promise.all([1, 2, 3].map(async () => await resolver.resolve('a.example', 100)))
  assert.deepEqual(answers[2], { kind: 'resolved', addresses: ['10.0.0.5'] })
  nowMs = RESOLVE_LIMITS.cacheMs - 1
  await resolver.resolve('a.example', 100)
  assert.equal(asked.length, 1)
  nowMs = RESOLVE_LIMITS.cacheMs
  await resolver.resolve('a.example', 100)
  assert.equal(asked.length, 2)
})

const failures: readonly { why: string; name: string; answer: LookUp; text: string }[] = [
  {
    why: 'unknown',
    name: 'no.such.invalid',
    answer: async () => await Promise.reject(withCode('ENOTFOUND')),
    text: 'Name or service not known',
  },
  {
    why: 'server down',
    name: 'a.example',
    answer: async () => await Promise.reject(withCode('EAI_AGAIN')),
    text: 'Temporary failure in name resolution',
  },
  { why: 'no addresses', name: 'a.example', answer: async () => [], text: 'No address' },
  { why: 'too slow', name: 'a.example', answer: async () => await new Promise(() => {}), text: 'Timed out after 5 ms' },
  {
    why: 'a NUL is never asked for',
    name: 'a\0b',
    answer: async () => assert.fail('asked'),
    text: 'Name or service not known',
  },
  { why: 'nor is a blank', name: 'a b', answer: async () => assert.fail('asked'), text: 'Name or service not known' },
  {
    why: 'nor what is too long',
    name: 'a'.repeat(256),
    answer: async () => assert.fail('asked'),
    text: 'Name or service not known',
  },
]

for (const { why, name, answer, text } of failures) {
  test(`a failed lookup is told in the auth log: ${why}`, async () => {
    const { observer, lines } = logging()
    const resolver = createResolver({ observer, lookUp: answer })
    assert.deepEqual(await resolver.resolve(name, 5), { kind: 'failed' })
    const shown = name.length > 255 ? `${name.slice(0, 255)}...` : name
    assert.deepEqual(lines, [`auth: error: DNS lookup for ${shown} failed: ${text}`])
  })
}

test('an error is remembered for a moment only', async () => {
  let nowMs = 0
  const { lookUp, asked } = counting(async () => await Promise.reject(withCode('ENOTFOUND')))
  const resolver = createResolver({ observer: silent, now: () => nowMs, lookUp })
  await resolver.resolve('a.example', 100)
  await resolver.resolve('a.example', 100)
  assert.equal(asked.length, 1)
  nowMs = RESOLVE_LIMITS.failureCacheMs
  await resolver.resolve('a.example', 100)
  assert.equal(asked.length, 2)
})

test('a slow answer is worth a warning', async () => {
  let nowMs = 0
  const { observer, lines } = logging()
  const lookUp: LookUp = async () => {
    nowMs += 1234
    return ['10.0.0.5']
  }
  await createResolver({ observer, now: () => nowMs, lookUp }).resolve('a.example', 100)
  assert.deepEqual(lines, ['auth: warning: DNS lookup for a.example took 1.234 s'])
})

test('the cache is bounded', async () => {
  const { lookUp, asked } = counting(async () => ['10.0.0.5'])
  const resolver = createResolver({ observer: silent, now: () => 0, lookUp })
  for (let i = 0; i <= RESOLVE_LIMITS.cacheEntries; i++) await resolver.resolve(`h${i}`, 100)
  await resolver.resolve('h1', 100)
  assert.equal(asked.length, RESOLVE_LIMITS.cacheEntries + 1)
  await resolver.resolve('h0', 100)
  assert.equal(asked.length, RESOLVE_LIMITS.cacheEntries + 2)
})

test('the system resolver knows localhost', async () => {
  const answer = await createResolver({ observer: silent }).resolve('localhost', 5000)
  assert.ok(answer.kind === 'resolved' && answer.addresses.some((ip) => ip === '127.0.0.1' || ip === '::1'))
})
