import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeMaildir } from './mail/maildir.ts'
import { measureFairness, measureIdle, measureRow, type RowSample } from './mail/measure.ts'
import { MAIL_ROWS } from './mail/rows.ts'
import { type MailServer, type MailServerName, startMailServer } from './mail/servers.ts'
import { median } from './measure/stats.ts'

/**
 * `npm run bench:mail`: Postern beside Dovecot as a mail server, each on its own copy of one Maildir, row by row in turn.
 *
 *   --quick            one short round
 *   --only KEY,...     these rows only
 *   --messages N       in the mailbox (10,000)
 *   --as-owner         Postern runs as the mail's owner: what its store costs without mail workers
 *   --server NAME      only dovecot, or only postern
 *   --json             the numbers as one JSON object
 *
 * Needs root, to give both servers the same mail user, and Dovecot's IMAP and LMTP.
 */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'as-owner': { type: 'boolean', default: false },
    server: { type: 'string' },
    only: { type: 'string' },
    messages: { type: 'string', default: '10000' },
  },
})
const pace = values.quick ? { rounds: 1, seconds: 1, sessions: 100 } : { rounds: 3, seconds: 3, sessions: 500 }
const SERVERS: readonly MailServerName[] = ['dovecot', 'postern']
const wanted = values.only?.split(',')
const root = join(import.meta.dirname, '..')

async function main(): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/lib/dovecot/imap')) {
    console.error('bench:mail needs root and dovecot-imapd')
    process.exitCode = 1
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'postern-bench-mail-'))
  chmodSync(directory, 0o755)
  const started: MailServer[] = []
  try {
    const template = join(directory, 'template')
    writeMaildir(template, Number(values.messages))
    const names = SERVERS.filter((name) => values.server === undefined || values.server === name)
    const start = async (fsync: 'optimized' | 'never'): Promise<readonly MailServer[]> => {
      const options = { asOwner: values['as-owner'], fsync }
      for (const name of names) started.push(await startMailServer(name, root, directory, template, options))
      return started.slice(-names.length)
    }
    await measureAll(await start('optimized'), async () => await start('never'))
  } finally {
    await Promise.all(started.map((server) => server.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measureAll(
  usual: readonly MailServer[],
  startUnsynced: () => Promise<readonly MailServer[]>,
): Promise<void> {
  let unsynced: readonly MailServer[] | undefined
  const results: Record<string, Record<string, number>> = {}
  for (const row of MAIL_ROWS) {
    if (wanted !== undefined && !wanted.includes(row.key)) continue
    const servers = row.fsync === undefined ? usual : (unsynced ??= await startUnsynced())
    const samples = new Map<string, RowSample[]>(servers.map(({ name }) => [name, []]))
    for (let round = 0; round < pace.rounds; round++) {
      for (const server of servers) samples.get(server.name)?.push(await measureRow(row, server, pace.seconds))
    }
    const numbers = (of: keyof RowSample): ReadonlyMap<string, readonly number[]> =>
      new Map([...samples].map(([name, list]) => [name, list.map((sample) => sample[of])]))
    const what = `${row.what}, ${row.clients} ${row.clients === 1 ? 'client' : 'clients'}`
    results[row.key] = tell(row.key, what, '/s', numbers('rate'))
    results[`${row.key}_cpu_ms`] = tell('', 'CPU each time', ' ms', numbers('cpuMs'))
  }
  if (wanted === undefined || wanted.includes('idle')) {
    const idle = new Map<string, number[]>()
    for (const server of usual) idle.set(server.name, [await measureIdle(server, pace.sessions)])
    results['idle'] = tell('idle', 'memory of an idle session', ' KB', idle)
  }
  if (wanted === undefined || wanted.includes('fairness')) {
    const fairness = new Map<string, number[]>()
    for (const server of usual) fairness.set(server.name, [await measureFairness(server, pace.seconds * 2)])
    results['fairness'] = tell('fairness', 'NOOP beside a busy session, 99 %', ' ms', fairness)
  }
  if (values.json) console.log(JSON.stringify(results))
}

function tell(
  key: string,
  what: string,
  unit: string,
  samples: ReadonlyMap<string, readonly number[]>,
): Record<string, number> {
  const middle = Object.fromEntries([...samples].map(([name, list]) => [name, median(list) ?? 0]))
  const { dovecot = 0, postern = 0 } = middle
  const ratio = unit === '/s' ? postern / dovecot : dovecot / postern
  const number = (value: number): string => value.toFixed(value < 10 ? 2 : 0).padStart(8)
  console.error(
    `${key.padEnd(16)} ${what.padEnd(44)} dovecot ${number(dovecot)}${unit}  postern ${number(postern)}${unit}  ${ratio.toFixed(2)}×`,
  )
  return middle
}

await main()
