import { setTimeout as delay } from 'node:timers/promises'
import { cpuSeconds } from '../measure/cpu.ts'
import { steadyPssKb } from '../measure/pss.ts'
import { LineClient } from './lines.ts'
import type { MailRow } from './rows.ts'
import type { MailServer } from './servers.ts'

export interface RowSample {
  /** Times a second. */
  readonly rate: number
  /** Milliseconds of CPU each time, of all processes of the server: what others do on the machine hardly changes it. */
  readonly cpuMs: number
}

/** Over at least so many seconds; a turn that began in time counts whole. */
export async function measureRow(row: MailRow, server: MailServer, seconds: number): Promise<RowSample> {
  const workers = await Promise.all(Array.from({ length: row.clients }, (_, index) => row.begin(server, index)))
  try {
    // Once beforehand: caches are filled, code is compiled.
    for (const { prepare } of workers) prepare?.()
    await Promise.all(workers.map(async ({ once }) => await once()))
    const used = cpuSeconds([server.pid])
    const began = performance.now()
    let preparing = 0
    let turns = 0
    await Promise.all(
      workers.map(async ({ prepare, once }) => {
        while (performance.now() - preparing < began + seconds * 1000) {
          const before = performance.now()
          prepare?.()
          preparing += performance.now() - before
          await once()
          turns++
        }
      }),
    )
    const elapsed = (performance.now() - preparing - began) / 1000
    return { rate: turns / elapsed, cpuMs: ((cpuSeconds([server.pid]) - used) * 1000) / turns }
  } finally {
    await Promise.all(workers.map(async ({ undo }) => await undo()))
  }
}

/** So many sessions come first: what a server makes room for once is none of the next one's. */
const SESSIONS_BEFORE = 300

/** KB of memory for each of so many idle sessions with a selected mailbox: all processes of the server, before and after. */
export async function measureIdle(server: MailServer, sessions: number): Promise<number> {
  const clients: LineClient[] = []
  for (let count = 0; count < SESSIONS_BEFORE; count++) clients.push(await selected(server))
  const before = await steadyPssKb([server.pid], 5000)
  for (let count = 0; count < sessions; count++) clients.push(await selected(server))
  const after = await steadyPssKb([server.pid], 5000)
  for (const client of clients) client.close()
  await delay(500)
  return (after - before) / sessions
}

async function selected(server: MailServer): Promise<LineClient> {
  const client = await LineClient.open(server.imap)
  await client.imap('LOGIN joe pw')
  await client.imap('SELECT INBOX')
  return client
}

/**
 * How long a NOOP of 200 sessions takes (milliseconds, 99th percentile) while another searches all texts and fetches all
 * envelopes again and again.
 */
export async function measureFairness(server: MailServer, seconds: number): Promise<number> {
  const busy = await selected(server)
  const others: LineClient[] = []
  for (let count = 0; count < 200; count++) others.push(await selected(server))
  let isOver = false
  const work = (async () => {
    while (!isOver) {
      await busy.imap('SEARCH TEXT "no such words"')
      await busy.imap('FETCH 1:* (ENVELOPE)')
    }
  })()
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  for (let turn = 0; performance.now() < end; turn++) {
    const client = others[turn % others.length]
    const began = performance.now()
    await client?.imap('NOOP')
    times.push(performance.now() - began)
    await delay(2)
  }
  isOver = true
  await work
  for (const client of [busy, ...others]) client.close()
  times.sort((left, right) => left - right)
  return times[Math.floor(times.length * 0.99)] ?? 0
}
