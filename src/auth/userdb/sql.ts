import { fieldsOf } from '../passdb/sql.ts'
import { SQL_LIMITS, type SqlResult } from '../sql/client.ts'
import type { SqlDatabase } from '../sql/connections.ts'
import { hostileColumn, runQuery } from '../sql/query.ts'
import type { UserdbDriver } from './userdb.ts'

/** `sql`: `user_query` and `iterate_query` of an ext file. */
export const sqlUserdb = {
  name: 'sql',
  open(path, needs) {
    const database = needs.sql.open(path, 'userdb')
    const { settings, client, userQuery } = database
    return {
      cacheKey: settings.user_query,
      async lookup(request, signal) {
        const outcome = await runQuery(client, userQuery, request, 1, signal)
        if (outcome.kind === 'failed') return { kind: 'internal-failure', log: failure(database, outcome.error) }
        if (outcome.result.rows.length === 0) {
          request.logUnknownUser()
          return { kind: 'unknown' }
        }
        const hostile = hostileColumn(outcome.result)
        if (hostile !== undefined) {
          return { kind: 'internal-failure', log: `User query returned a line break or NUL in field '${hostile}'` }
        }
        return { kind: 'found', fields: fieldsOf(outcome.result) }
      },
      iterate: (signal) => iterate(database, signal),
      check: (signal) => client.check(signal),
      close: () => client.close(),
    }
  },
} as const satisfies UserdbDriver

function failure({ settings }: SqlDatabase, error: string): string {
  const builtIn = settings.changed.has('user_query')
    ? ''
    : ` (using built-in default user_query: ${settings.user_query})`
  return `User query failed: ${error}${builtIn}`
}

async function* iterate({ client, iterateQuery, settings }: SqlDatabase, signal: AbortSignal): AsyncIterable<string> {
  let result: SqlResult
  try {
    result = await client.query(() => iterateQuery.expand(() => ''), SQL_LIMITS.iterateRows, signal)
  } catch (error) {
    const builtIn = settings.changed.has('iterate_query')
      ? ''
      : ` (using built-in default iterate_query: ${settings.iterate_query})`
    throw new Error(`sql: Iterate query failed: ${error instanceof Error ? error.message : String(error)}${builtIn}`, {
      cause: error,
    })
  }
  for (const row of result.rows) yield nameOf(result.columns, row)
}

/** `user` as the first column, or `username` with an optional `domain`. */
function nameOf(columns: readonly string[], row: readonly (string | null)[]): string {
  const column = (name: string): string | null | undefined =>
    columns.includes(name) ? row[columns.indexOf(name)] : undefined
  const user = columns[0] === 'user' ? row[0] : column('username')
  if (user === undefined) throw new Error("sql: Iterate query didn't return 'user' field")
  if (user === null) throw new Error('sql: Iterate query returned NULL user')
  const domain = columns[0] === 'user' ? undefined : column('domain')
  return domain === undefined || domain === null ? user : `${user}@${domain}`
}
