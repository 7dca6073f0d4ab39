import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_SESSIONS } from '../admin/session-filter.ts'
import { RecentErrors } from '../admin/recent-errors.ts'
import { LoginHolds } from '../login/holds.ts'
import { SessionRegistry, type ListedSession, type SessionListing } from '../login/registry.ts'
import { workedMs } from '../../test/support/worked.ts'
import { runWorkerCommand, type WorkerParts } from './worker-commands.ts'

function sessionOf(user: string, kicked: string[]): ListedSession {
  const listing: SessionListing = {
    protocol: 'imap',
    session: 's',
    user,
    alternatives: new Map(),
    state: 'proxied',
    remoteIp: '192.0.2.1',
    remotePort: 1,
    localIp: '192.0.2.2',
    localPort: 143,
    backend: { host: 'mail1', ip: '10.0.0.1', port: 143, user },
    startedMs: 17.25,
  }
  return { describe: () => listing, kick: (reason) => void kicked.push(`${user}: ${reason}`) }
}

/** What a worker has before its first configuration. */
function starting(): WorkerParts {
  const holds = new LoginHolds(Date.now, () => undefined)
  const flushCaches = (): number => 0
  return { registry: undefined, hosts: undefined, auth: undefined, flushCaches, holds, recent: new RecentErrors() }
}

function parts(users: readonly string[], kicked: string[] = []): WorkerParts {
  const registry = new SessionRegistry()
  for (const user of users) registry.add(sessionOf(user, kicked))
  return { ...starting(), registry }
}

test('kick ends the sessions that are meant, and tells whose', async () => {
  const kicked: string[] = []
  const filter = { ...ALL_SESSIONS, users: ['j*'] }
  const answer = await runWorkerCommand(parts(['joe', 'bob', 'jane', 'joe'], kicked), 'kick', filter)
  assert.deepEqual(answer, { kind: 'done', value: ['joe', 'jane', 'joe'] })
  assert.deepEqual(kicked, ['joe: Kicked by admin', 'jane: Kicked by admin', 'joe: Kicked by admin'])
})

test('backends are counted by host, address and port', async () => {
  const answer = await runWorkerCommand(parts(['joe', 'bob']), 'backends', null)
  assert.deepEqual(answer, {
    kind: 'done',
    value: { views: [], sessions: [{ host: 'mail1', ip: '10.0.0.1', port: 143, count: 2 }] },
  })
})

test('a worker that is only starting has nobody, and says so when asked for more', async () => {
  assert.deepEqual(await runWorkerCommand(starting(), 'sessions', ALL_SESSIONS), { kind: 'done', value: [] })
  assert.deepEqual(await runWorkerCommand(starting(), 'kick', ALL_SESSIONS), { kind: 'done', value: [] })
  assert.deepEqual(await runWorkerCommand(starting(), 'auth-cache-flush', null), { kind: 'done', value: 0 })
  assert.deepEqual(await runWorkerCommand(starting(), 'auth-test', { user: 'joe' }), {
    kind: 'failed',
    error: 'the server is still starting',
  })
})

test('nonsense is answered, as somebody waits for every worker', async () => {
  const rows: readonly [name: string, input: unknown, error: RegExp][] = [
    ['dance', null, /unknown command dance/],
    ['__proto__', null, /unknown command __proto__/],
    ['sessions', 'joe', /filter is not an object/],
    ['auth-test', {}, /still starting|no user/],
  ]
  for (const [name, input, error] of rows) {
    const answer = await runWorkerCommand(parts([]), name, input)
    assert.equal(answer.kind, 'failed', name)
    assert.match(answer.kind === 'failed' ? answer.error : '', error)
  }
})

test('listing thirty thousand sessions does not hold up a worker for long', async () => {
  const many = parts(Array.from({ length: 30_000 }, (_, index) => `user${index}`))
  const started = workedMs()
  await runWorkerCommand(many, 'sessions', ALL_SESSIONS)
  const listedMs = workedMs() - started
  assert.ok(listedMs < 2_000, `${Math.round(listedMs)} ms`)
})
