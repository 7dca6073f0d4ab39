import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test, type TestContext } from 'node:test'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'
import { echo, startSample } from './sample.ts'

/** What strangers may send; each gets an answer or an end, and a session beside it notices nothing. */
const ATTACKS: readonly { name: string; attack: (client: Wire) => Promise<void> }[] = [
  {
    name: 'a line of 10 MB without an end',
    async attack(client) {
      await flood(client, Buffer.alloc(64 * 1024, 'x'), 160)
      await client.expect('* BYE Input buffer full, aborting')
      await client.expectEnd()
    },
  },
  {
    name: 'an endless literal',
    async attack(client) {
      client.send('a LOGIN {99999999999}')
      await client.linesUntil(/^(a BAD|\* BYE) /)
    },
  },
  {
    name: 'many literals',
    async attack(client) {
      client.sendRaw(`a LOGIN ${'{1+}\r\nx '.repeat(500)}\r\n`)
      await client.linesUntil(/^(a BAD|a NO|\* BYE) /)
    },
  },
  {
    name: 'NUL and 8-bit bytes',
    async attack(client) {
      client.sendRaw(Buffer.from('a LOG\0IN j\xf6e \xff\xfe\r\nb \x80\x81\r\n', 'latin1'))
      await client.linesUntil(/BAD/)
    },
  },
  {
    name: 'a command in single bytes',
    async attack(client) {
      await client.sendInPieces('a CAPABILITY\r\n')
      await client.linesUntil(/^a OK /)
    },
  },
  {
    name: 'half a command and a reset',
    async attack(client) {
      client.sendRaw('a LOGIN joe "sec')
      client.reset()
    },
  },
  {
    name: 'a hundred thousand commands without reading a reply',
    async attack(client) {
      await flood(client, Buffer.from('x NOOP\r\n'.repeat(1000)), 100)
      client.destroy()
    },
  },
  {
    name: 'a user name full of quotes, percent signs and Unicode',
    async attack(client) {
      client.sendRaw(Buffer.from('a LOGIN "%u%n\'\\";--%{passdb:x}\u{1f600}" "x"\r\n'))
      await client.linesUntil(/^a (NO|BAD) /)
    },
  },
  {
    name: 'an AUTHENTICATE response without end',
    async attack(client) {
      client.send('a AUTHENTICATE PLAIN')
      await client.expect(/^\+/)
      await flood(client, Buffer.alloc(64 * 1024, 'A'), 16)
      await client.expectEnd()
    },
  },
]

let sample: Awaited<ReturnType<typeof startSample>>
let witness: Wire
const cleanups: (() => unknown)[] = []

before(async () => {
  const context = { after: (run: () => unknown) => cleanups.push(run) } as unknown as TestContext
  sample = await startSample(context, { script: echo, settings: 'auth_verbose = yes' })
  witness = await sample.login('witness')
})

after(async () => {
  for (const run of cleanups.reverse()) await run()
})

for (const { name, attack } of ATTACKS) {
  test(`${name}: the client is answered or cut off, others go on`, async (t) => {
    const worker = workerPid()
    const before = residentBytes(worker)
    const client = await connectRaw({ port: sample.server.ports['imap'] ?? 0 })
    t.after(() => client.destroy())
    await client.expect(/^\* OK /)
    await attack(client)
    witness.send(`still ${name.length}`)
    await witness.expect(`STILL ${name.length}`)
    assert.equal(workerPid(), worker, 'the worker is the same: nothing crashed')
    assert.ok(residentBytes(worker) - before < 96 * 1024 * 1024, 'memory stays bounded')
  })
}

test('nothing that was sent is a bug in the log, and every line is one line', () => {
  assert.deepEqual(
    sample.server.logLines.filter((line) => /BUG|Unhandled|TypeError/.test(line)),
    [],
  )
})

/** Sends as fast as the other side takes it, until it is all sent or the connection is gone. */
async function flood(client: Wire, bytes: Buffer, times: number): Promise<void> {
  for (let count = 0; count < times && !client.ended; count++) {
    client.sendRaw(bytes)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function workerPid(): number {
  const { pid } = sample.server
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

function residentBytes(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]
  return Number(pages) * 4096
}
