import { readFileSync } from 'node:fs'
import { RedisDict } from '../../auth/dict/redis.ts'
import type { Clock } from '../../auth/needs.ts'
import type { SqlClient, SqlDriver } from '../../auth/sql/client.ts'
import { mysqlDriver } from '../../auth/sql/mysql.ts'
import { pgsqlDriver } from '../../auth/sql/pgsql.ts'
import { sqliteDriver } from '../../auth/sql/sqlite.ts'
import { FileSharedDict } from '../../acl/visibility/file-dict.ts'
import { RedisSharedDict } from '../../acl/visibility/redis-dict.ts'
import { openSharedDict, type OpenSharedDict, type SharedDict } from '../../acl/visibility/shared-dict.ts'
import { type SharingSql, SqlSharedDict } from '../../acl/visibility/sql-dict.ts'
import type { LogLevel } from '../../observe/events.ts'

export interface SharedDictNeeds {
  /** The `dict {}` block. */
  readonly named: ReadonlyMap<string, string>
  readonly log: (level: LogLevel, text: string) => void
}

const CLOCK: Clock = {
  now: Date.now,
  timer(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** Nobody shares with more than these. */
const MAX_ROWS = 1_000_000
const QUERY_MS = 30_000

/**
 * Opens `acl_shared_dict`: `file:PATH`, `redis:host=...`, `mysql:CONF`, `pgsql:CONF`, `sqlite:CONF`, or `proxy::NAME` for one of
 * the `dict {}` block. A string is what is wrong.
 */
export function openAclDict(uri: string, needs: SharedDictNeeds): SharedDict | string {
  const proxied = /^proxy:[^:]*:(.+)$/.exec(uri)?.[1]
  if (proxied !== undefined) {
    const target = needs.named.get(proxied)
    if (target === undefined) return `acl: dict_init(${uri}) failed: there is no dict ${proxied}`
    return openAclDict(target, needs)
  }
  const drivers = new Map<string, OpenSharedDict>([
    ['file', (path) => new FileSharedDict(path, Date.now)],
    ['redis', openRedis],
    ...[mysqlDriver, pgsqlDriver, sqliteDriver].map(
      (driver) => [driver.name, (path: string) => openSql(driver, path, needs)] as const,
    ),
  ])
  try {
    return openSharedDict(uri, drivers)
  } catch (error) {
    return `acl: dict_init(${uri}) failed: ${error instanceof Error ? error.message : String(error)}`
  }
}

function openRedis(uri: string): SharedDict {
  const redis = new RedisDict(uri, CLOCK)
  return new RedisSharedDict(redis, redis.prefix)
}

function openSql(driver: SqlDriver, path: string, { log }: SharedDictNeeds): SharedDict {
  const connect = /^\s*connect\s*=\s*(.+)$/m.exec(readFileSync(path, 'utf8'))?.[1]?.trim()
  if (connect === undefined) throw new Error(`${path} has no connect setting`)
  return new SqlSharedDict(sharingSql(driver.open(connect, { clock: CLOCK, writable: true, log })))
}

/** Statements with `?`, filled in as the connection's server wants it. */
function sharingSql(client: SqlClient): SharingSql {
  return {
    async query(sql, values) {
      const build = (escape: (value: string) => string): string => {
        let next = 0
        return sql.replaceAll('?', () => `'${escape(values[next++] ?? '')}'`)
      }
      const { columns, rows } = await client.query(build, MAX_ROWS, AbortSignal.timeout(QUERY_MS))
      return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])))
    },
  }
}
