import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemFiles } from '../../src/main/config-files.ts'
import { recordFiles } from '../../src/main/config-snapshot.ts'
import type { SessionOrder } from '../../src/main/mail/mail-order.ts'
import { MailWorkers } from '../../src/main/mail/mail-workers.ts'
import { WorkerLink } from '../../src/main/mail/worker-link.ts'
import { lendClient } from '../support/lent-client.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'

// A mail worker that nobody uses ends. Whoever comes at that very moment must not notice.

const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'only root can give processes the rights of others'
const UID = 20_004
/** Shorter than a pause between two orders now and then, so that workers leave all the time. */
const IDLE_MS = 20
const WORKERS = 3
/** With the pauses that grow, time for the slowest machine. */
const ORDERS = 400

describe('mail workers that end when nobody uses them', { skip: NEEDS_ROOT }, () => {
  let directory: string
  let workers: MailWorkers
  let link: WorkerLink
  const log: string[] = []

  before(() => {
    directory = makeTempDir('mail-exit')
    chmodSync(directory, 0o755)
    const mail = join(directory, 'mail')
    mkdirSync(mail)
    chownSync(mail, UID, UID)
    const path = join(directory, 'dovecot.conf')
    writeFileSync(path, `protocols = imap\nssl = no\nfirst_valid_uid = 1\nmail_location = maildir:${mail}/%u\n`)
    workers = new MailWorkers({
      file: join(import.meta.dirname, '..', '..', 'src', 'main', 'mail', 'mail-worker.ts'),
      directory,
      prepare: () => undefined,
      flags: process.execArgv,
      source: { path, overrides: [], snapshot: recordFiles(systemFiles()).snapshot },
      idleMs: IDLE_MS,
      log: (level, service, text) => void (level === 'info' || log.push(`${service}: ${text}`)),
      lookupOwners: async (asked) => await Promise.resolve(asked.map(() => ({ kind: 'unknown' }))),
    })
    link = new WorkerLink(
      async () => await workers.socketFor({ uid: UID, gid: UID }, 0),
      (text) => log.push(text),
    )
  })
  after(async () => {
    await workers.stop(0)
    removeTempDir(directory)
  })

  test('no order is lost around the moment of leaving', async (t) => {
    const pids = new Set<number>()
    let orders = 0
    for (let ofThisOne = 0; pids.size < WORKERS && orders < ORDERS; orders++, ofThisOne++) {
      const client = await lendClient(t)
      const session = await link.handed(orderOf(orders), client.lent)
      if (!pids.has(session.pid)) ofThisOne = 0
      pids.add(session.pid)
      client.far.destroy()
      await session.over
      // Around the time after which it leaves, whenever that is: a busy machine takes its time to close a session,
      // and says so some milliseconds later.
      await delay(IDLE_MS - 12 + (ofThisOne % 9) + ofThisOne / 4)
    }
    assert.equal(pids.size, WORKERS, `workers met in ${orders} orders`)
    assert.deepEqual(log, [])
  })
})

function orderOf(number: number): SessionOrder {
  const nowhere = { ip: '127.0.0.1', port: 143 }
  return {
    kind: 'session',
    protocol: 'imap',
    user: `user${number % 3}`,
    fields: [],
    hostname: 'mail.example.org',
    localIp: nowhere.ip,
    remoteIp: nowhere.ip,
    session: `s${number}`,
    identity: {
      session: `s${number}`,
      remote: nowhere,
      local: nowhere,
      ttl: 5,
      forward: [],
    },
    tlsActive: false,
    reply: { tag: 'a', notice: '' },
  }
}
