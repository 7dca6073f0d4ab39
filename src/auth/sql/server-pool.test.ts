import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../testing/fake-clock.ts'
import { SQL_LIMITS, SqlError, type SqlResult } from './client.ts'
import { QUERY_TIMED_OUT, ServerPool, type SqlConnection, type SqlServer } from './server-pool.ts'

const never = new AbortController().signal
const SELECT = (): string => 'SELECT 1'

/** A server that does what it is told: its queries wait until they are answered. */
class FakeServer implements SqlServer {
  readonly label: string
  readonly database = 'mail'
  isUp = true
  /** What a query gets at once: an answer, an error, or (undefined) nothing for now. */
  answer: (() => SqlResult) | undefined
  readonly open = new Set<FakeConnection>()
  attempts = 0
  queries = 0
  #connecting: Promise<void> = Promise.resolve()

  constructor(name: string) {
    this.label = `fake(${name})`
    this.answer = () => ({ columns: ['server'], rows: [[name]] })
  }

  /** Connections take until this promise resolves. */
  slowDown(until: Promise<void>): void {
    this.#connecting = until
  }

  async connect(): Promise<SqlConnection> {
    this.attempts += 1
    await this.#connecting
    if (!this.isUp) throw new Error('Connection refused')
    const connection = new FakeConnection(this)
    this.open.add(connection)
    return connection
  }

  /** Every connection breaks. */
  breakAll(): void {
    for (const connection of this.open) connection.break()
  }
}

class FakeConnection implements SqlConnection {
  readonly #server: FakeServer
  #listener: ((error: Error | undefined) => void) | undefined
  #waiting: PromiseWithResolvers<SqlResult> | undefined
  #isLost = false

  constructor(server: FakeServer) {
    this.#server = server
  }

  query(): Promise<SqlResult> {
    this.#server.queries += 1
    if (this.#isLost) return Promise.reject(new SqlError('gone', true))
    const { answer } = this.#server
    if (answer !== undefined) return new Promise((resolve) => resolve(answer()))
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  finish(result: SqlResult): void {
    this.#waiting?.resolve(result)
    this.#waiting = undefined
  }

  break(): void {
    this.#isLost = true
    this.#server.open.delete(this)
    if (this.#waiting === undefined) this.#listener?.(new Error('reset'))
    else this.#waiting.reject(new SqlError('Connection lost', true))
  }

  onLost(listener: (error: Error | undefined) => void): void {
    this.#listener = listener
  }

  destroy(): void {
    this.#server.open.delete(this)
  }
}

function openPool(
  servers: readonly FakeServer[],
  maxConnections = 2,
): { pool: ServerPool; clock: FakeClock; log: string[] } {
  const clock = new FakeClock(0)
  const log: string[] = []
  const pool = new ServerPool(servers, maxConnections, {
    clock,
    log: (level, text) => void log.push(`${level} ${text}`),
  })
  return { pool, clock, log }
}

async function serverOf(pool: ServerPool): Promise<string | null | undefined> {
  return (await pool.query(SELECT, 1, never)).rows[0]?.[0]
}

async function faultOf(query: Promise<unknown>): Promise<string> {
  try {
    await query
    return 'none'
  } catch (error) {
    assert.ok(error instanceof SqlError)
    return error.message
  }
}

test('queries go round the servers', async () => {
  const servers = [new FakeServer('a'), new FakeServer('b'), new FakeServer('c')]
  const { pool } = openPool(servers)
  await pool.warm()
  const asked = [await serverOf(pool), await serverOf(pool), await serverOf(pool), await serverOf(pool)]
  assert.deepEqual(asked, ['a', 'b', 'c', 'a'])
  await pool.close()
})

test('a server that is down is left out, and the log says so', async () => {
  const [a, b] = [new FakeServer('a'), new FakeServer('b')]
  a.isUp = false
  const { pool, log } = openPool([a, b])
  await pool.warm()
  assert.deepEqual([await serverOf(pool), await serverOf(pool)], ['b', 'b'])
  assert.deepEqual(
    log.filter((line) => line.startsWith('error')),
    ['error fake(a): Connect failed to database (mail): Connection refused - waiting for 1 seconds before retry'],
  )
  await pool.close()
})

test('it is tried again after 1 s, 5 s, 25 s ... and at most every 30 minutes', async () => {
  const [a, b] = [new FakeServer('a'), new FakeServer('b')]
  a.isUp = false
  const { pool, clock } = openPool([a, b])
  await pool.warm()
  const attemptsAfter: number[] = []
  for (const secs of [1, 5, 25, 125, 625, 1800, 1800]) {
    await clock.advance(secs * 1000 - 1)
    const before = a.attempts
    await clock.advance(1)
    attemptsAfter.push(a.attempts - before)
  }
  assert.deepEqual(attemptsAfter, [1, 1, 1, 1, 1, 1, 1])
  a.isUp = true
  await clock.advance(1_800_000)
  assert.deepEqual(new Set([await serverOf(pool), await serverOf(pool)]), new Set(['a', 'b']))
  await pool.close()
})

test('while no server is up each query tries again, at most once a second', async () => {
  const a = new FakeServer('a')
  a.isUp = false
  const { pool, clock } = openPool([a])
  await pool.warm()
  assert.equal(await faultOf(pool.query(SELECT, 1, never)), 'Not connected to database')
  assert.equal(a.attempts, 1)
  // Whatever the pause has grown to.
  await clock.advance(600_000)
  const before = a.attempts
  const failing = faultOf(pool.query(SELECT, 1, never))
  await clock.advance(0)
  assert.equal(await failing, 'Not connected to database')
  assert.equal(a.attempts, before + 1)
  a.isUp = true
  await clock.advance(1000)
  assert.equal(await serverOf(pool), 'a')
  await pool.close()
})

test('a query on a broken connection is asked again on another', async () => {
  const [a, b] = [new FakeServer('a'), new FakeServer('b')]
  const { pool, clock } = openPool([a, b])
  await pool.warm()
  a.answer = undefined
  const query = pool.query(SELECT, 1, never)
  await clock.advance(0)
  a.isUp = false
  a.breakAll()
  assert.equal((await query).rows[0]?.[0], 'b')
  await pool.close()
})

test('a connection that breaks while idle is replaced', async () => {
  const a = new FakeServer('a')
  const { pool, clock, log } = openPool([a])
  await pool.warm()
  a.breakAll()
  await clock.advance(0)
  assert.equal(a.open.size, 1)
  assert.ok(log.includes('warning fake(a): Connection lost: reset'))
  await pool.close()
})

test('an error of the query itself is not asked again', async () => {
  const [a, b] = [new FakeServer('a'), new FakeServer('b')]
  for (const server of [a, b]) {
    server.answer = () => {
      throw new SqlError('no such table')
    }
  }
  const { pool } = openPool([a, b])
  await pool.warm()
  assert.equal(await faultOf(pool.query(SELECT, 1, never)), 'no such table')
  assert.equal(a.queries + b.queries, 1)
  await pool.close()
})

test('nor is one that was too slow', async () => {
  const [a, b] = [new FakeServer('a'), new FakeServer('b')]
  for (const server of [a, b]) {
    server.answer = () => {
      throw new SqlError(`${QUERY_TIMED_OUT} (2 secs)`, true)
    }
  }
  const { pool } = openPool([a, b])
  await pool.warm()
  assert.equal(await faultOf(pool.query(SELECT, 1, never)), `${QUERY_TIMED_OUT} (2 secs)`)
  assert.equal(a.queries + b.queries, 1)
  await pool.close()
})

test('more connections are opened while all are busy, up to the limit; the rest wait their turn', async () => {
  const a = new FakeServer('a')
  const { pool, clock } = openPool([a], 2)
  await pool.warm()
  a.answer = undefined
  const done: number[] = []
  for (const number of [1, 2, 3]) void pool.query(SELECT, 1, never).then(() => done.push(number))
  await clock.advance(0)
  assert.equal(a.open.size, 2)
  assert.equal(a.queries, 2)
  for (const connection of a.open) {
    connection.finish({ columns: [], rows: [] })
    await clock.advance(0)
  }
  assert.equal(a.queries, 3)
  for (const connection of a.open) connection.finish({ columns: [], rows: [] })
  await clock.advance(0)
  assert.deepEqual(
    done.sort((one, other) => one - other),
    [1, 2, 3],
  )
  await pool.close()
})

test('a query that waits too long for a connection fails', async () => {
  const a = new FakeServer('a')
  const { pool, clock } = openPool([a], 1)
  await pool.warm()
  a.answer = undefined
  void pool.query(SELECT, 1, never).catch(() => undefined)
  await clock.advance(0)
  const waiting = faultOf(pool.query(SELECT, 1, never))
  await clock.advance(SQL_LIMITS.waitMs)
  assert.equal(await waiting, 'No connection within 6 secs')
  await pool.close()
})

test('a server that never says yes is waited for no longer', async () => {
  const a = new FakeServer('a')
  a.slowDown(new Promise(() => undefined))
  const { pool, clock } = openPool([a])
  void pool.warm()
  const waiting = faultOf(pool.query(SELECT, 1, never))
  await clock.advance(SQL_LIMITS.waitMs)
  assert.equal(await waiting, 'No connection within 6 secs')
  await pool.close()
})

test('too many waiting queries fail at once', async () => {
  const a = new FakeServer('a')
  a.slowDown(new Promise(() => undefined))
  const { pool } = openPool([a])
  const waiting = Array.from({ length: SQL_LIMITS.waiting }, () => faultOf(pool.query(SELECT, 1, never)))
  assert.equal(await faultOf(pool.query(SELECT, 1, never)), 'Too many queries are waiting')
  await pool.close()
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['Not connected to database']))
})

test('a query whose client left does not wait', async () => {
  const a = new FakeServer('a')
  a.slowDown(new Promise(() => undefined))
  const { pool, clock } = openPool([a])
  const leaving = new AbortController()
  const waiting = faultOf(pool.query(SELECT, 1, leaving.signal))
  leaving.abort()
  assert.equal(await waiting, 'Query was cancelled')
  await clock.advance(0)
  await pool.close()
  assert.equal(clock.timers, 0)
})

test('a pool that was closed while connecting keeps no connection', async () => {
  const a = new FakeServer('a')
  const ready = Promise.withResolvers<void>()
  a.slowDown(ready.promise)
  const { pool, clock } = openPool([a])
  const warming = pool.warm()
  await pool.close()
  ready.resolve()
  await warming
  await clock.advance(0)
  assert.equal(a.open.size, 0)
})

test('a check connects to every server and tells which do not answer', async () => {
  const [a, b] = [new FakeServer('a'), new FakeServer('b')]
  b.isUp = false
  const { pool } = openPool([a, b])
  assert.equal(await pool.check(never), 'fake(b): Connection refused')
  b.isUp = true
  assert.equal(await pool.check(never), undefined)
  assert.equal(a.open.size + b.open.size, 0)
  await pool.close()
})
