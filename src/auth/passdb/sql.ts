import { andThen } from '../../util/soon.ts'
import type { DatabaseField } from '../field-template.ts'
import type { SqlDatabase } from '../sql/connections.ts'
import type { SqlResult } from '../sql/client.ts'
import { hostileColumn, runQuery } from '../sql/query.ts'
import type { PassdbDriver, PassdbReply } from './passdb.ts'

/** `sql`: `password_query` of an ext file; MySQL, PostgreSQL and SQLite. */
export const sqlPassdb = {
  name: 'sql',
  open(path, needs) {
    const database = needs.sql.open(path, 'passdb')
    const { settings, client, passwordQuery } = database
    return {
      defaultScheme: settings.default_pass_scheme,
      cacheKey: settings.password_query,
      lookup: (request, signal) =>
        // One row more than a user may have.
        andThen(runQuery(client, passwordQuery, request, 2, signal), (outcome): PassdbReply => {
          if (outcome.kind === 'failed') return { kind: 'internal-failure', log: failure(database, outcome.error) }
          if (outcome.result.rows.length > 0) return replyFrom(outcome.result)
          request.logUnknownUser()
          return { kind: 'unknown' }
        }),
      check: (signal) => client.check(signal),
      close: () => client.close(),
    }
  },
} as const satisfies PassdbDriver

function failure({ settings }: SqlDatabase, error: string): string {
  const builtIn = settings.changed.has('password_query')
    ? ''
    : ` (using built-in default password_query: ${settings.password_query})`
  return `Password query failed: ${error}${builtIn}`
}

function replyFrom(result: SqlResult): PassdbReply {
  const { columns, rows } = result
  if (!columns.includes('password') && !columns.includes('password_noscheme')) {
    return { kind: 'internal-failure', log: "Password query must return a field named 'password'" }
  }
  if (rows.length > 1) return { kind: 'internal-failure', log: 'Password query returned multiple matches' }
  const hostile = hostileColumn(result)
  if (hostile !== undefined) {
    return { kind: 'internal-failure', log: `Password query returned a line break or NUL in field '${hostile}'` }
  }
  return { kind: 'found', fields: fieldsOf(result) }
}

/** Columns as fields, in their order. Columns without a name are nobody's. */
export function fieldsOf({ columns, rows }: SqlResult): readonly DatabaseField[] {
  const row = rows[0] ?? []
  return columns
    .map((name, index) => ({ name, value: row[index] ?? null, from: `column ${name}` }))
    .filter(({ name }) => name !== '')
}
