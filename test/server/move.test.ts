import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test, type TestContext } from 'node:test'
import { eventually } from '../support/control.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { runAtServer } from '../support/run-doveadm.ts'
import type { CommandRun } from '../support/run-postern.ts'
import {
  passwdFile,
  type RowKeeper,
  sqlite,
  type Stage,
  startMoveBench,
  type MoveBench,
  type TriedLogin,
} from './move-bench.ts'

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user${index}@example.org`)
}

/** Logs users in, one after the other, so many times a second until it is stopped. */
class LoginLoad {
  readonly #bench: MoveBench
  readonly #users: readonly string[]
  readonly #tried: Promise<TriedLogin>[] = []
  readonly #startedMs = performance.now()
  readonly #perSecond: number
  readonly #timer: NodeJS.Timeout

  constructor(t: TestContext, bench: MoveBench, users: readonly string[], perSecond: number) {
    this.#bench = bench
    this.#users = users
    this.#perSecond = perSecond
    this.#timer = setInterval(() => this.#catchUp(), 10)
    t.after(() => clearInterval(this.#timer))
  }

  /** Resolves when so many more logins began and ended. */
  async more(count: number): Promise<void> {
    const end = this.#tried.length + count
    await until(`${count} more logins`, () => this.#tried.length >= end)
    await Promise.all(this.#tried.slice(0, end))
  }

  async stop(): Promise<{ logins: readonly TriedLogin[]; perSecond: number }> {
    clearInterval(this.#timer)
    const secs = (performance.now() - this.#startedMs) / 1000
    // Timers may be late, logins are made up for.
    this.#catchUp()
    return { logins: await Promise.all(this.#tried), perSecond: this.#tried.length / secs }
  }

  #catchUp(): void {
    const due = Math.floor(((performance.now() - this.#startedMs) / 1000) * this.#perSecond)
    while (this.#tried.length < due) this.#next()
  }

  #next(): void {
    this.#tried.push(this.#bench.login(this.#users[this.#tried.length % this.#users.length] ?? ''))
  }
}

/** A bench for all tests of a suite, which run one after the other. */
function sharedBench(options: Parameters<typeof startMoveBench>[1]): () => MoveBench {
  const ends: (() => unknown)[] = []
  const stage: Stage = { after: (end) => void ends.push(end) }
  let bench: MoveBench | undefined
  before(async () => {
    bench = await startMoveBench(stage, options)
  })
  after(async () => {
    for (const end of ends.toReversed()) await end()
  })
  return () => {
    if (bench === undefined) throw new Error('not started')
    return bench
  }
}

/** Waits until a condition holds: connections end a moment after the proxy has closed them. */
async function until(what: string, holds: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
  const latest = performance.now() + patienceMs
  while (!holds()) {
    if (performance.now() > latest) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Destination ports of the sessions that `doveadm proxy list` shows of some users. */
async function listedPorts(bench: MoveBench, users: readonly string[]): Promise<readonly number[]> {
  const { lines } = await bench.postern('doveadm', '-f', 'json', 'proxy', 'list')
  const rows = JSON.parse(lines.join('')) as readonly Record<string, string>[]
  return rows.filter(({ username = '' }) => users.includes(username)).map((row) => Number(row['dest-port']))
}

function movesUnderLoad(keeper: RowKeeper): void {
  test(`${keeper.name}: 200 sessions move during 50 logins a second; no login is refused, no session is left behind`, {
    timeout: 4 * PATIENCE_MS,
  }, async (t) => {
    const users = names(25)
    const bench = await startMoveBench(t, { keeper, users: [...users, 'stays@example.org'] })
    const { a, b } = bench
    const before = await Promise.all(users.flatMap((user) => Array.from({ length: 8 }, () => bench.login(user))))
    assert.ok(before.every(({ backend }) => backend === 'A'))
    const witness = await bench.login('stays@example.org')
    assert.equal(a.open().length, 201)

    const load = new LoginLoad(t, bench, users, 50)
    await load.more(30)
    const startedMs = performance.now()
    const move = await bench.postern('move', ...users, '--to', '127.0.0.2', '--port', String(b.backend.port))
    const endedMs = performance.now()
    assert.deepEqual(move.exit, { code: 0, signal: null }, move.lines.join('\n'))
    await until('no session on A but the witness', () => a.open().length === 1)
    await load.more(30)
    const { logins, perSecond } = await load.stop()

    const refused = logins.filter(({ backend }) => backend === '')
    const later = logins.filter((login) => login.startedMs > endedMs)
    const during = logins.filter((login) => login.startedMs > startedMs && login.startedMs <= endedMs)
    const waits = during.map((login) => login.endedMs - login.startedMs).sort((left, right) => left - right)
    t.diagnostic(
      `${keeper.name}: ${before.length} sessions, ${perSecond.toFixed(1)} logins/s, move took ${Math.round(endedMs - startedMs)} ms; ` +
        `${logins.length} logins, ${refused.length} refused; ${during.length} during the move, longest wait ${Math.round(waits.at(-1) ?? 0)} ms; ` +
        `${later.length} later, ${later.filter(({ backend }) => backend === 'B').length} of them on B; ` +
        `${a.open().length - 1} sessions left on A, ${b.open().length} on B`,
    )
    assert.deepEqual(
      refused.map(({ reply }) => reply),
      [],
    )
    assert.deepEqual(bench.overlaps, [], 'nobody was on both backends at once')
    assert.ok(perSecond > 40, `only ${perSecond} logins a second`)
    assert.ok(later.length > 20)
    assert.deepEqual(
      later.filter(({ backend }) => backend !== 'B').map(({ user }) => user),
      [],
    )
    assert.ok((await listedPorts(bench, users)).every((port) => port === b.backend.port))
    assert.deepEqual(
      [...new Set((await Promise.all(users.map((user) => bench.login(user)))).map((login) => login.backend))],
      ['B'],
    )
    witness.client.send('still here')
    await witness.client.expect('STILL HERE')
  })
}

function sqlRow(bench: MoveBench, user: string): Record<string, unknown> {
  const database = new DatabaseSync(join(bench.server.dir, 'users.sqlite'))
  const row = database.prepare('SELECT host, port, delay_until FROM users WHERE user = ?').get(user)
  database.close()
  return { ...row }
}

/** Starts a move that waits in `--delay`, with a login held by it. */
async function heldLogin(bench: MoveBench, user: string) {
  const from = bench.server.logLines.length
  await bench.login(user)
  const to = ['--to', '127.0.0.2', '--port', String(bench.b.backend.port)]
  const move = bench.start('move', user, ...to, '--delay', '60')
  await bench.server.waitForLog(/No session is left/, from)
  const held = bench.login(user)
  let isHeld = true
  void held.then(() => (isHeld = false))
  return { from, move, held, to, isHeld: () => isHeld }
}

// They wait more than they work, so they do it together.
describe('users are moved', { concurrency: true }, () => {
  movesUnderLoad(sqlite)
  movesUnderLoad(passwdFile)

  describe('with rows in SQL', { concurrency: false }, () => {
    const shared = sharedBench({ keeper: sqlite, users: ['dry1', 'dry2', 'broken', 'killed', 'stubborn'] })

    test('--dry-run says where users are, what would change and which sessions would end, and changes nothing', async () => {
      const bench = shared()
      const session = await bench.login('dry1')
      const { exit, lines } = await bench.postern('move', 'dry1', 'dry2', '--to', '127.0.0.2', '--dry-run')
      assert.equal(exit.code, 0)
      const { port } = bench.a.backend
      assert.deepEqual(lines, [
        `dry1: now 127.0.0.1:${port} (sql ${bench.server.dir}/sql.conf.ext)`,
        `  row: UPDATE users SET host = '127.0.0.2', port = NULLIF('${port}', '') WHERE user = 'dry1' AND host = '127.0.0.1'`,
        '  sessions to end: 1',
        `dry2: now 127.0.0.1:${port} (sql ${bench.server.dir}/sql.conf.ext)`,
        `  row: UPDATE users SET host = '127.0.0.2', port = NULLIF('${port}', '') WHERE user = 'dry2' AND host = '127.0.0.1'`,
        '  sessions to end: 0',
      ])
      session.client.send('x')
      await session.client.expect('X')
      assert.equal(sqlRow(bench, 'dry1')['host'], '127.0.0.1')
    })

    test('a move that is interrupted puts the row back, and the login that waited goes to the old backend', async () => {
      const bench = shared()
      const { from, move, held, to, isHeld } = await heldLogin(bench, 'broken')
      // While it runs, nobody else moves the same user.
      const second = await bench.postern('move', 'broken', ...to)
      assert.equal(second.exit.code, 75)
      assert.match(second.lines.join('\n'), /broken is being moved already/)
      assert.equal(sqlRow(bench, 'broken')['host'], '127.0.0.2')
      assert.ok(isHeld())
      move.signal('SIGINT')
      assert.deepEqual(await move.exited, { code: 75, signal: null })
      assert.equal((await held).backend, 'A')
      assert.deepEqual(sqlRow(bench, 'broken'), {
        host: '127.0.0.1',
        port: String(bench.a.backend.port),
        delay_until: null,
      })
      await bench.server.waitForLog(/Everything is as it was/, from)
    })

    test('a move that is killed locks nobody out: its hold ends by itself', { timeout: 2 * PATIENCE_MS }, async () => {
      const bench = shared()
      const { from, move, held } = await heldLogin(bench, 'killed')
      move.signal('SIGKILL')
      await bench.server.waitForLog(/Nobody renewed the hold of 1 users/, from)
      assert.equal((await held).backend, 'B')
    })

    test('a query that does not change what users see is put back with a clear text', {
      timeout: 2 * PATIENCE_MS,
    }, async () => {
      const bench = shared()
      const session = await bench.login('stubborn')
      const database = new DatabaseSync(join(bench.server.dir, 'users.sqlite'))
      database.exec(`CREATE TRIGGER stubborn AFTER UPDATE ON users WHEN new.user = 'stubborn'
        BEGIN UPDATE users SET host = '127.0.0.1' WHERE user = 'stubborn'; END`)
      database.close()
      const { exit, lines } = await bench.postern('move', 'stubborn', '--to', '127.0.0.2')
      assert.equal(exit.code, 75)
      assert.match(lines.join('\n'), /postern_move_query ran, but password_query says host=127\.0\.0\.1/)
      session.client.send('nothing happened')
      await session.client.expect('NOTHING HAPPENED')
    })
  })

  describe('with rows in a passwd-file', { concurrency: false }, () => {
    const settings = 'auth_cache_size = 1 M\nauth_cache_ttl = 1 hour'
    const shared = sharedBench({ keeper: passwdFile, users: ['joe', 'jane', 'stays'], settings })

    test('a passwd-file user with the auth cache on is on the new backend at once, and every step is in the log', async () => {
      const bench = shared()
      const from = bench.server.logLines.length
      const path = join(bench.server.dir, 'users')
      const before = readFileSync(path, 'utf8')
      await Promise.all(Array.from({ length: 6 }, () => bench.login('joe')))
      const port = String(bench.b.backend.port)
      const { exit, lines } = await bench.postern('move', 'joe', '--to', '127.0.0.2', '--port', port)
      assert.equal(exit.code, 0, lines.join('\n'))
      const logins = await Promise.all(Array.from({ length: 10 }, () => bench.login('joe')))
      assert.deepEqual([...new Set(logins.map(({ backend }) => backend))], ['B'])
      assert.equal((await bench.login('jane')).backend, 'A')
      const { port: oldPort } = bench.a.backend
      const old = `pw-joe::::::proxy=y host=127.0.0.1 port=${oldPort}`
      assert.equal(readFileSync(path, 'utf8'), before.replace(old, `pw-joe::::::proxy=y host=127.0.0.2 port=${port}`))
      assert.equal(statSync(path).mode & 0o777, 0o640)
      const steps = bench.server.logLines
        .slice(from)
        .filter((line) => line.includes('move: '))
        .map((line) => line.replace(/^.*move: (Info: |info: )?\S+: /, ''))
      assert.deepEqual(steps, [
        'New logins of 1 users wait: joe',
        `joe: 127.0.0.1:${oldPort} is now 127.0.0.2:${port} in passwd-file ${path}:2`,
        'Every worker sees the new rows',
        'Ended 6 sessions',
        'No session is left on an old backend; 6 were ended',
        `0 logins that waited go on to 127.0.0.2:${port}`,
      ])
    })

    test('who is unknown is told before anything changes', async () => {
      const bench = shared()
      const { exit, lines } = await bench.postern('move', 'stays', 'nobody', '--to', '127.0.0.2')
      assert.equal(exit.code, 67)
      assert.match(lines.join('\n'), /nobody: .*no sql or passwd-file passdb has a row/)
      assert.equal((await bench.login('stays')).backend, 'A')
    })
  })

  test("Dovecot's own way: host and delay_until in one update, then a kick; logins wait and go to the new host [row 33]", {
    timeout: 4 * PATIENCE_MS,
  }, async (t) => {
    for (const secs of WAITING_SECS) if (await movesByRowsAlone(t, secs)) return
    assert.fail('the kick was never in time')
  })
})

/** What those were told who are not on the new backend. */
function elsewhere(logins: readonly TriedLogin[]): readonly string[] {
  return logins.filter(({ backend }) => backend !== 'B').map(({ user, reply }) => `${user}: ${reply}`)
}

/** A busy machine needs longer for what an administrator does before the time. */
const WAITING_SECS = [10, 40]

/** False when that took longer than so many seconds. */
async function movesByRowsAlone(t: TestContext, secs: number): Promise<boolean> {
  const users = names(10)
  const settings = 'auth_cache_size = 1 M\nauth_cache_ttl = 1 hour'
  const bench = await startMoveBench(t, { keeper: sqlite, users, settings })
  await Promise.all(users.flatMap((user) => Array.from({ length: 8 }, () => bench.login(user))))
  const load = new LoginLoad(t, bench, users, 30)
  await load.more(10)

  const untilSecs = Math.floor(Date.now() / 1000) + secs
  const database = new DatabaseSync(join(bench.server.dir, 'users.sqlite'))
  database.exec(`UPDATE users SET host = '127.0.0.2', port = '${bench.b.backend.port}', delay_until = '${untilSecs}+3'`)
  database.close()
  // In this process: the time may be over before a busy machine has started three others.
  assert.equal((await runAtServer(bench.server, ['auth', 'cache', 'flush'])).status, 0)
  const flushedMs = performance.now()
  const kick = async (): Promise<CommandRun> => await runAtServer(bench.server, ['proxy', 'kick', ...users])
  assert.match((await kick()).out, /^\d+ connections kicked\n$/)
  // Logins that had read the old row come a moment later.
  await eventually('no session on A', async () => {
    await kick()
    return bench.a.open().length === 0
  })
  const onB = bench.b.open().length
  const leftMs = untilSecs * 1000 - Date.now()
  const dueMs = performance.now() + leftMs
  if (leftMs < 500) {
    await load.stop()
    return false
  }
  assert.equal(onB, 0, 'nobody is on B before the time')
  await until('the time', () => performance.now() > dueMs, leftMs + PATIENCE_MS)
  await load.more(40)
  const { logins, perSecond } = await load.stop()

  const after = logins.filter(({ startedMs }) => startedMs > flushedMs)
  const waits = after.map((login) => login.endedMs - login.startedMs).sort((left, right) => left - right)
  t.diagnostic(
    `80 sessions, ${perSecond.toFixed(1)} logins/s: ${logins.length} logins, ` +
      `${logins.filter(({ backend }) => backend === '').length} refused, ${after.length} after the update, ` +
      `${after.filter(({ backend }) => backend === 'B').length} of them on B, longest wait ${Math.round(waits.at(-1) ?? 0)} ms; ` +
      `${bench.a.open().length} sessions left on A`,
  )
  assert.ok(after.length > 30)
  assert.deepEqual(elsewhere(after), [])
  assert.ok(after.every(({ endedMs }) => endedMs >= dueMs - 50))
  assert.equal(bench.a.open().length, 0)
  return true
}
