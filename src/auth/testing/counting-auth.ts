import type { TestContext } from 'node:test'
import type { PassdbDriver, PassdbReply } from '../passdb/passdb.ts'
import type { SharedPasswords } from '../shared-passwords.ts'
import type { UserdbDriver } from '../userdb/userdb.ts'
import { FakeClock } from './fake-clock.ts'
import { openTestAuth, type TestAuth } from './open-auth.ts'

/** Databases over a map of users, which count how often they are asked. */
export interface Counting extends TestAuth {
  readonly clock: FakeClock
  readonly users: Map<string, readonly (readonly [string, string | null])[]>
  isDown: boolean
  asked: number
  /** The database has made up its mind, and answers when this does. */
  delivery: Promise<void>
}

export async function openCounting(
  t: TestContext,
  settings: string,
  blocks = BLOCK,
  key = '%u',
  passwords?: SharedPasswords,
): Promise<Counting> {
  const clock = new FakeClock()
  const users = new Map<string, readonly (readonly [string, string | null])[]>()
  const state = { isDown: false, asked: 0, delivery: Promise.resolve() }
  const answer = (user: string): PassdbReply => {
    state.asked += 1
    if (state.isDown) return { kind: 'internal-failure', log: 'down' }
    const fields = users.get(user)
    if (fields === undefined) return { kind: 'unknown' }
    return { kind: 'found', fields: fields.map(([name, value]) => ({ name, value, from: 'test' })) }
  }
  const deliver = async (reply: PassdbReply): Promise<PassdbReply> => {
    await state.delivery
    return reply
  }
  const rest = { check: () => Promise.resolve(undefined), close: () => Promise.resolve() }
  const passdb: PassdbDriver = {
    name: 'sql',
    open: (args) =>
      args === 'verifies'
        ? {
            ...rest,
            defaultScheme: 'PLAIN',
            cacheKey: key,
            verify(request, password) {
              const reply = answer(request.user)
              if (reply.kind !== 'found') return reply
              const isRight = reply.fields[0]?.value === password.reveal().toString()
              return isRight ? { kind: 'found', fields: reply.fields.slice(1) } : { kind: 'password-mismatch' }
            },
          }
        : { ...rest, defaultScheme: 'PLAIN', cacheKey: key, lookup: (request) => deliver(answer(request.user)) },
  }
  const userdb: UserdbDriver = {
    name: 'sql',
    open: () => ({ ...rest, cacheKey: key, lookup: (request) => deliver(answer(request.user)) }),
  }
  const opened = await openTestAuth({
    conf: `auth_verbose = yes\n${settings}\n${blocks}`,
    clock,
    input: { passdbDrivers: [passdb], userdbDrivers: [userdb] },
    ...(passwords && { passwords }),
  })
  t.after(() => opened.auth.close())
  return Object.assign(state, opened, { clock, users })
}

export const CACHE = 'auth_cache_size = 1 M\nauth_cache_ttl = 10 mins\nauth_cache_negative_ttl = 5 mins'
export const BLOCK = 'passdb {\n  driver = sql\n  args = x\n}\nuserdb {\n  driver = sql\n  args = y\n}'
