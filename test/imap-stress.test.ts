import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { openMaildirFormat } from '../src/storage/formats/maildir/index.ts'
import { memoryLocation, MemoryMail, memoryNamespace } from '../src/storage/testing/open-memory-store.ts'
import { TestSession } from './imap-server/session.ts'
import { SharedTruth, StressClient } from './imap-server/stress.ts'
import { StressRandom } from './imap-server/stress-random.ts'

/** `STRESS_SECONDS` and `STRESS_SEED` make it longer and other. */
const SECONDS = Number(process.env['STRESS_SECONDS'] ?? 3)
const SEED = Number(process.env['STRESS_SEED'] ?? 4711)
const CLIENTS = 20
/** Every session says so much, however slow the machine is. */
const LEAST_COMMANDS = 12

for (const where of ['in memory', 'on a Maildir', 'on a Maildir of two processes'] as const) {
  test(`20 sessions of one mailbox ${where} are never told a contradiction (seed ${SEED})`, async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'postern-stress-'))
    t.after(() => rmSync(root, { recursive: true, force: true }))
    const newMail = () => (where === 'in memory' ? new MemoryMail() : new MemoryMail(undefined, openMaildirFormat()))
    const processes = where.endsWith('processes') ? [newMail(), newMail()] : [newMail()]
    const location = { ...memoryLocation(join(root, 'mail')), layout: where === 'in memory' ? 'fs' : 'maildir++' }
    const truth = new SharedTruth()
    const clients = Array.from({ length: CLIENTS }, (_, i) => {
      const store = processes[i % processes.length]?.open('joe', { namespaces: [memoryNamespace({ location })] })
      assert.ok(store)
      return new StressClient(new TestSession(t, { store }), new StressRandom(SEED + i), truth)
    })
    for (const client of clients) await client.select()
    const until = performance.now() + (SECONDS * 1000) / 3
    await Promise.all(clients.map((client) => keepActing(client, until)))
    for (const client of clients) await client.noop()
    const views = []
    for (const client of clients) views.push(await client.settle())
    for (const view of views) assert.deepEqual(view, views[0])
    const commands = clients.reduce((sum, client) => sum + client.commands, 0)
    t.diagnostic(`${commands} commands, ${truth.tokens.size} messages`)
    assert.ok(commands > 200)
  })
}

async function keepActing(client: StressClient, until: number): Promise<void> {
  while (performance.now() < until || client.commands < LEAST_COMMANDS) await client.act()
}
