import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTestAuth, type TestAuth } from '../../src/auth/testing/open-auth.ts'
import { systemClock } from '../../src/auth/testing/system.ts'
import type { DatabasePeer } from '../peers/database.ts'
import { exactSettings, exactUsers } from '../peers/exact-directory.ts'
import { skipWithoutMariadb, startMariadb } from '../peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../peers/postgres.ts'
import { skipWithoutRedis, startRedis } from '../peers/redis.ts'
import { skipWithoutSlapd, startSlapd } from '../peers/slapd.ts'
import { PATIENCE_MS } from '../support/deadline.ts'

// A database is killed while a hundred users log in each second, stays away, and comes back. Nobody is told that a right
// password is wrong, nobody waits longer than the drivers say, and logins come back by themselves.

const LOGINS_PER_SEC = 100
const TICK_MS = 50
/** A query waits so long for a usable connection at most; the rest is this machine's, which may be busy. Forever is longer. */
const ANSWER_MS = 6_000 + 20_000
/** So many logins in a row are let in before it dies. */
const WARM = 30
const AWAY_MS = 1_200
/** Afterwards so many logins in a row must be let in. */
const STEADY = 100
const RECOVERY_MS = PATIENCE_MS

interface Database {
  readonly name: string
  readonly skip: false | string
  /** Starts it with user `joe`, password `secret0`. */
  readonly start: () => Promise<{ readonly peer: DatabasePeer; readonly passdb: string; readonly ext: string }>
}

const SQL =
  "password_query = SELECT password FROM users WHERE name = '%u'\ndefault_pass_scheme = PLAIN\nuserdb_warning_disable = yes\n"
const TABLE =
  "CREATE TABLE users (name VARCHAR(100) PRIMARY KEY, password TEXT); INSERT INTO users VALUES ('joe', 'secret0')"

const databases: readonly Database[] = [
  {
    name: 'MariaDB',
    skip: skipWithoutMariadb(),
    async start() {
      const peer = await startMariadb()
      await peer.run(
        "CREATE DATABASE mail; CREATE USER dovecot@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT SELECT ON mail.* TO dovecot@'127.0.0.1'",
      )
      await peer.run(TABLE, 'mail')
      const connect = `host=127.0.0.1 port=${peer.port} dbname=mail user=dovecot password=secret`
      return { peer, passdb: 'sql', ext: `driver = mysql\nconnect = ${connect}\n${SQL}` }
    },
  },
  {
    name: 'PostgreSQL',
    skip: skipWithoutPostgres(),
    async start() {
      const peer = await startPostgres()
      await peer.run("CREATE ROLE dovecot LOGIN PASSWORD 'secret'; CREATE DATABASE mail;")
      await peer.run(`${TABLE}; GRANT SELECT ON users TO dovecot;`, 'mail')
      const connect = `host=127.0.0.1 port=${peer.port} dbname=mail user=dovecot password=secret`
      return { peer, passdb: 'sql', ext: `driver = pgsql\nconnect = ${connect}\n${SQL}` }
    },
  },
  {
    name: 'LDAP',
    skip: skipWithoutSlapd(),
    async start() {
      const peer = await startSlapd()
      await peer.run(exactUsers())
      return { peer, passdb: 'ldap', ext: exactSettings(`ldap://127.0.0.1:${peer.port}`, '') }
    },
  },
  {
    name: 'LDAP with auth_bind',
    skip: skipWithoutSlapd(),
    async start() {
      const peer = await startSlapd()
      await peer.run(exactUsers())
      return { peer, passdb: 'ldap', ext: exactSettings(`ldap://127.0.0.1:${peer.port}`, 'auth_bind = yes') }
    },
  },
  {
    name: 'Redis',
    skip: skipWithoutRedis(),
    async start() {
      const peer = await startRedis()
      await peer.set({ 'passdb/joe': JSON.stringify({ password: 'secret0' }) })
      const uri = `redis:host=127.0.0.1:port=${peer.port}:password=secret:prefix=:timeout_msecs=3000`
      const key = 'key passdb {\n  key = passdb/%u\n  format = json\n}\npassdb_objects = passdb\n'
      return { peer, passdb: 'dict', ext: `uri = ${uri}\ndefault_pass_scheme = PLAIN\n${key}` }
    },
  },
]

describe('a database dies under a hundred logins a second', { concurrency: true }, () => {
  for (const { name, skip, start } of databases) {
    test(name, { skip }, async (t) => {
      const { peer, passdb, ext } = await start()
      t.after(async () => await peer.stop())
      const db = await openTestAuth({
        conf: `passdb {\n  driver = ${passdb}\n  args = /db.ext\n}`,
        files: { '/db.ext': ext },
        clock: systemClock,
      })
      t.after(async () => await db.auth.close())
      await surviveDeath(db, peer)
    })
  }
})

async function surviveDeath(db: TestAuth, peer: DatabasePeer): Promise<void> {
  const crowd = new Crowd(db)
  await crowd.passUntilSteady(WARM)
  await peer.kill()
  await crowd.pass(AWAY_MS)
  await peer.start()
  await crowd.passUntilSteady(STEADY)
  await crowd.leave()
  assert.equal(crowd.right.get('failed'), undefined, 'a right password was called wrong')
  assert.equal(crowd.wrong.get('ok'), undefined, 'a wrong password was called right')
  assert.ok((crowd.right.get('temporary') ?? 0) > 0, 'the outage was not seen')
  assert.ok(crowd.longestMs < ANSWER_MS, `somebody waited ${crowd.longestMs} ms`)
}

/** Users who log in all the time, one of five with a wrong password. */
class Crowd {
  readonly right = new Map<string, number>()
  readonly wrong = new Map<string, number>()
  longestMs = 0
  /** Right passwords in a row that were let in. */
  steady = 0
  readonly #db: TestAuth
  readonly #logins = new Set<Promise<void>>()
  #count = 0

  constructor(db: TestAuth) {
    this.#db = db
  }

  /** Logins go on for this time. */
  async pass(ms: number): Promise<void> {
    const untilMs = performance.now() + ms
    while (performance.now() < untilMs) {
      for (let count = 0; count < (LOGINS_PER_SEC * TICK_MS) / 1000; count++) this.#start()
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    }
  }

  /** Logins go on until so many in a row are let in. */
  async passUntilSteady(count: number): Promise<void> {
    const untilMs = performance.now() + RECOVERY_MS
    while (this.steady < count) {
      assert.ok(performance.now() < untilMs, `logins do not come: ${JSON.stringify([...this.right])}`)
      await this.pass(TICK_MS)
    }
  }

  /** Resolves when everybody has an answer. */
  async leave(): Promise<void> {
    await Promise.all(this.#logins)
  }

  #start(): void {
    const login = this.#login(this.#count++ % 5 !== 0)
    this.#logins.add(login)
    void login.then(() => this.#logins.delete(login))
  }

  async #login(isRight: boolean): Promise<void> {
    const startedMs = performance.now()
    const outcome = await this.#db.login('joe', isRight ? 'secret0' : 'wrong')
    this.longestMs = Math.max(this.longestMs, performance.now() - startedMs)
    const kind = outcome.kind === 'ok' ? 'ok' : outcome.why.kind
    const counts = isRight ? this.right : this.wrong
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    if (isRight) this.steady = kind === 'ok' ? this.steady + 1 : 0
  }
}
