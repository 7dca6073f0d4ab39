import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { findMechanism } from '../sasl/index.ts'
import { clientCredentials } from '../sasl/testing/exchange.ts'
import { PATIENCE_MS } from '../../test/support/deadline.ts'
import type { AuthService } from './auth.ts'
import { generatePassword } from './schemes/index.ts'
import { openTestAuth, testConnection } from './testing/open-auth.ts'
import { Secret } from '../util/secret.ts'

// What the time of an answer tells. Samples of two kinds of logins are taken turn by turn, in random order, so that whatever
// else this machine does hits both alike; the Mann-Whitney test then says whether they can be told apart.

const PAIRS = 40
/** So many standard errors happen once in half a million runs by chance. */
const LIMIT_Z = 5
/** Less than this is not seen through a network, nor behind the half-second ticks in which failures are answered. */
const LIMIT_MS = 0.25

interface Comparison {
  /** Standard errors between the ranks of the two. */
  readonly z: number
  readonly medianGapMs: number
}

/** Takes the samples. Each kind is warmed up first. */
async function compare(one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<Comparison> {
  for (let count = 0; count < 3; count++) for (const run of [one, other]) await run()
  const ones: number[] = []
  const others: number[] = []
  for (let count = 0; count < PAIRS; count++) {
    const turns = [
      [one, ones],
      [other, others],
    ] as const
    for (const [run, times] of Math.random() < 0.5 ? turns : turns.toReversed()) {
      const startedMs = performance.now()
      await run()
      times.push(performance.now() - startedMs)
    }
  }
  return { z: mannWhitney(ones, others), medianGapMs: Math.abs(median(ones) - median(others)) }
}

/** How many standard errors the sum of ranks is away from what chance makes it. */
function mannWhitney(ones: readonly number[], others: readonly number[]): number {
  const ranked = [...ones.map((ms) => ({ ms, isOne: true })), ...others.map((ms) => ({ ms, isOne: false }))]
  ranked.sort((left, right) => left.ms - right.ms)
  const sum = ranked.reduce((total, { isOne }, index) => total + (isOne ? index + 1 : 0), 0)
  const [n, m] = [ones.length, others.length]
  const expected = (n * (n + m + 1)) / 2
  return Math.abs(sum - expected) / Math.sqrt((n * m * (n + m + 1)) / 12)
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}

function isTold({ z, medianGapMs }: Comparison): boolean {
  return z > LIMIT_Z && medianGapMs > LIMIT_MS
}

async function openUsers(t: TestContext, lines: readonly string[], defaultScheme = 'BLF-CRYPT'): Promise<AuthService> {
  const opened = await openTestAuth({
    conf: `auth_mechanisms = plain cram-md5 scram-sha-256\npassdb {\n  driver = passwd-file\n  args = scheme=${defaultScheme} /users\n}`,
    files: { '/users': `${lines.join('\n')}\n` },
    input: { findMechanism },
  })
  t.after(() => opened.auth.close())
  return opened.auth
}

/** A login with the client half of a mechanism; the number of challenges and the outcome. */
async function login(auth: AuthService, mechanism: string, user: string): Promise<string> {
  const client = findMechanism(mechanism)?.client?.(clientCredentials(user, 'wrong'))
  assert.ok(client)
  const initial = client.initial()
  let challenges = 0
  const exchange = {
    mechanism,
    initial: initial === undefined ? undefined : new Secret(initial),
    challenge: async (data: Buffer) => {
      challenges++
      return await Promise.resolve(client.respond(data))
    },
    finish: () => Promise.resolve(),
    channelBinding: () => undefined,
  }
  const outcome = await auth.authenticate(testConnection, exchange, AbortSignal.timeout(PATIENCE_MS))
  return `${challenges} challenges, ${outcome.kind === 'ok' ? 'ok' : outcome.why.kind}`
}

/** What is remembered of other logins belongs to a default scheme: each row has its own. */
const hashes: readonly (readonly [scheme: string, defaultScheme: string, rounds: number | undefined])[] = [
  ['BLF-CRYPT', 'BLF-CRYPT', 6],
  ['SHA512-CRYPT', 'SHA512-CRYPT', 5000],
  ['SSHA256', 'CRYPT', undefined],
  ['PLAIN', 'SHA256-CRYPT', undefined],
]

for (const [scheme, defaultScheme, rounds] of hashes) {
  test(`an unknown user and a wrong password cannot be told apart: ${scheme} where the default is ${defaultScheme}`, async (t) => {
    const hash = await generatePassword({ scheme, password: new Secret('s'), ...(rounds && { rounds }) })
    const auth = await openUsers(t, [`joe:${hash}`], defaultScheme)
    const result = await compare(
      async () => await login(auth, 'PLAIN', 'joe'),
      async () => await login(auth, 'PLAIN', 'nobody'),
    )
    assert.equal(isTold(result), false, JSON.stringify(result))
  })
}

for (const mechanism of ['CRAM-MD5', 'SCRAM-SHA-256']) {
  for (const [what, stored] of [
    ['a stored password', '{PLAIN}s'],
    [
      'what SCRAM stores',
      '{SCRAM-SHA-256}4096,MRYVgxf4OIly12FTM4C1dg==,WbI+p6LUx1m1KvxEErcUzjcHe97u33Fa/Cm5hspA1Ns=,ryX7xHnsDgTiDqZ/fCVY81MvdR3aLyVXnU1VmxdbkuM=',
    ],
  ] as const) {
    test(`${mechanism} goes on as long for an unknown user, in words and time: ${what}`, async (t) => {
      const auth = await openUsers(t, [`joe:${stored}`, 'bare:'])
      const known = await login(auth, mechanism, 'joe')
      assert.equal(await login(auth, mechanism, 'nobody'), known)
      assert.equal(await login(auth, mechanism, 'bare'), known, 'a user without a password')
      assert.equal(await login(auth, mechanism, 'not allowed'), known, 'a name that may not be')
      const result = await compare(
        async () => await login(auth, mechanism, 'joe'),
        async () => await login(auth, mechanism, 'nobody'),
      )
      assert.equal(isTold(result), false, JSON.stringify(result))
    })
  }
}

test('SCRAM has the same salt for an unknown user each time, and another for each', async (t) => {
  const auth = await openUsers(t, ['joe:{SCRAM-SHA-256}4096,MRYVgxf4OIly12FTM4C1dg==,WbI+,ryX7'])
  const salts = new Map<string, Set<string>>()
  for (const user of ['nobody', 'nobody', 'noone', 'noone']) {
    const exchange = {
      mechanism: 'SCRAM-SHA-256',
      initial: new Secret(`n,,n=${user},r=abc`),
      challenge: (data: Buffer) => {
        const [, salt = ''] = /,s=([^,]+),i=4096$/.exec(data.toString()) ?? []
        salts.set(user, new Set([...(salts.get(user) ?? []), salt]))
        return Promise.resolve(Buffer.from('c=biws,r=wrong,p=AAAA'))
      },
      finish: () => Promise.resolve(),
      channelBinding: () => undefined,
    }
    await auth.authenticate(testConnection, exchange, AbortSignal.timeout(PATIENCE_MS))
  }
  const [[first = ''] = [], [second = ''] = []] = [...salts.values()].map((set) => [...set])
  assert.deepEqual(
    [...salts.values()].map(({ size }) => size),
    [1, 1],
  )
  assert.equal(Buffer.from(first, 'base64').length, 16)
  assert.notEqual(first, second)
})

test('the test sees a difference where there is one', async (t) => {
  const slow = await generatePassword({ scheme: 'BLF-CRYPT', password: new Secret('s'), rounds: 6 })
  const auth = await openUsers(t, [`joe:${slow}`, 'jane:{PLAIN}x'])
  const result = await compare(
    async () => await login(auth, 'PLAIN', 'joe'),
    async () => await login(auth, 'PLAIN', 'jane'),
  )
  assert.equal(isTold(result), true, JSON.stringify(result))
})
