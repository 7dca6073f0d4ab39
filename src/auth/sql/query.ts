import { ExpandError, type Template } from '../../config/expand.ts'
import type { DatabaseRequest } from '../passdb/passdb.ts'
import type { Soon } from '../../util/soon.ts'
import { type SqlClient, SqlError, type SqlResult } from './client.ts'

export type QueryOutcome =
  | { readonly kind: 'rows'; readonly result: SqlResult }
  | { readonly kind: 'failed'; readonly error: string }

/** Fills a query in for a user and runs it. Faults are outcomes. */
export function runQuery(
  client: SqlClient,
  query: Template,
  request: DatabaseRequest,
  maxRows: number,
  signal: AbortSignal,
): Soon<QueryOutcome> {
  try {
    if (request.isDebug) request.logDatabase('debug', `query: ${shownQuery(query, request)}`)
    const result = client.query((escape) => query.expand(request.lookup, escape), maxRows, signal)
    return result instanceof Promise ? result.then(rowsOf, failureOf) : rowsOf(result)
  } catch (error) {
    return failureOf(error)
  }
}

function rowsOf(result: SqlResult): QueryOutcome {
  return { kind: 'rows', result }
}

function failureOf(error: unknown): QueryOutcome {
  if (error instanceof SqlError) return { kind: 'failed', error: error.message }
  if (error instanceof ExpandError) return { kind: 'failed', error: `Failed to expand query: ${error.message}` }
  throw error
}

/** The query as the log may show it. */
function shownQuery(query: Template, request: DatabaseRequest): string {
  const lookup = request.showPasswords
    ? request.lookup
    : (name: string): string | undefined =>
        name === 'password' && request.lookup(name) !== '' ? '[secret]' : request.lookup(name)
  return query.expand(lookup, (value) => value.replaceAll("'", "''"))
}

/** Line breaks and NUL in a value end up in somebody's protocol; no field that Dovecot knows has them. */
export function hostileColumn({ columns, rows }: SqlResult): string | undefined {
  return columns.find((_, index) => /[\0\r\n]/.test(rows[0]?.[index] ?? ''))
}
