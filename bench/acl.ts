import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sharedWith } from './acl/listing.ts'
import { COMMAND_ROWS, type Cost, LIST_ROWS, measure, measureFirst } from './acl/rows.ts'
import { type AclServer, type AclSite, prepareSite, startAclServer } from './acl/servers.ts'
import { OWN_MESSAGES, WORLD } from './acl/world.ts'
import { writeMaildir } from './mail/maildir.ts'
import { median } from './measure/stats.ts'

/**
 * `npm run bench:acl`: what rights cost, Postern beside Dovecot. Ten thousand mailboxes with entries, of a thousand sharers: LIST of
 * users who see fifty of them; and commands with the plugin and without.
 *
 *   --quick          one short round
 *   --only KEY,...   these rows only
 *   --sharers N      instead of 1000
 *   --json           the numbers as one JSON object
 *
 * Needs root, to give both servers the same mail user, and Dovecot's IMAP.
 */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    sharers: { type: 'string', default: String(WORLD.sharers) },
  },
})
const pace = values.quick ? { rounds: 1, seconds: 0.5 } : { rounds: 3, seconds: 3 }
const world = { ...WORLD, sharers: Number(values.sharers) }
const root = join(import.meta.dirname, '..')
const wanted = values.only?.split(',')
const isWanted = (key: string): boolean => wanted === undefined || wanted.includes(key)
const results: Record<string, Record<string, Cost>> = {}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/lib/dovecot/imap')) {
    console.error('bench/acl.ts needs root and dovecot-imapd')
    process.exitCode = 1
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'postern-bench-acl-'))
  chmodSync(directory, 0o755)
  try {
    const template = join(directory, 'template')
    writeMaildir(template, OWN_MESSAGES)
    const sites = (['dovecot', 'postern'] as const).map((name) => ({ name, world, home: join(directory, name) }))
    for (const site of sites) prepareSite(site, template)
    await measureFirstLists(sites)
    await measureAll(sites)
    if (values.json) console.log(JSON.stringify(results))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Each on a server of its own that did nothing before; and both must show the same. */
async function measureFirstLists(sites: readonly AclSite[]): Promise<void> {
  for (const user of ['joe', 'jane']) {
    if (!isWanted(`list_${user}_first`)) continue
    const costs = new Map<string, Cost[]>()
    const shown: (readonly string[])[] = []
    for (const site of sites) {
      const server = await startAclServer(root, site, true)
      try {
        costs.set(site.name, [await measureFirst(server, user)])
        shown.push(await sharedWith(server, user))
      } finally {
        await server.stop()
      }
    }
    if (JSON.stringify(shown[0]) !== JSON.stringify(shown[1]) || shown[0]?.length !== world.visible)
      throw new Error(`the servers show ${user} something else: ${shown.map((names) => names.length).join(', ')}`)
    tell(`list_${user}_first`, `LIST "" * of ${user}, first after the start`, costs)
  }
}

async function measureAll(sites: readonly AclSite[]): Promise<void> {
  const servers: AclServer[] = []
  try {
    for (const site of sites) for (const hasAcl of [true, false]) servers.push(await startAclServer(root, site, hasAcl))
    const [withAcl, plain] = [servers.filter(({ hasAcl }) => hasAcl), servers.filter(({ hasAcl }) => !hasAcl)]
    for (const row of LIST_ROWS) if (isWanted(row.key)) tell(row.key, row.what, await measureOn(withAcl, row))
    for (const row of COMMAND_ROWS.filter(({ key }) => isWanted(key))) {
      tell(row.key, `${row.what}, with acl`, await measureOn(withAcl, row))
      tell(`${row.key}_plain`, `${row.what}, without`, await measureOn(plain, row))
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

async function measureOn(
  servers: readonly AclServer[],
  row: (typeof LIST_ROWS)[number],
): Promise<ReadonlyMap<string, readonly Cost[]>> {
  const costs = new Map<string, Cost[]>(servers.map(({ name }) => [name, []]))
  for (let round = 0; round < pace.rounds; round += 1)
    for (const server of servers) costs.get(server.name)?.push(await measure(row, server, pace.seconds))
  return costs
}

/** Dovecot's number, ours, and how many times ours fits into it. */
function tell(key: string, what: string, costs: ReadonlyMap<string, readonly Cost[]>): void {
  const middle = (name: string, of: keyof Cost): number => median((costs.get(name) ?? []).map((cost) => cost[of])) ?? 0
  const number = (value: number): string => value.toFixed(value < 10 ? 2 : 0).padStart(7)
  const part = (of: keyof Cost): string => {
    const [theirs, ours] = [middle('dovecot', of), middle('postern', of)]
    return `dovecot ${number(theirs)} postern ${number(ours)} ${(theirs / ours).toFixed(2)}×`
  }
  console.error(`${key.padEnd(18)} ${what.padEnd(42)} ms: ${part('ms')}   CPU: ${part('cpuMs')}`)
  results[key] = Object.fromEntries(
    ['dovecot', 'postern'].map((name) => [name, { ms: middle(name, 'ms'), cpuMs: middle(name, 'cpuMs') }]),
  )
}

await main()
