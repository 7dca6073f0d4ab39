import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SAMPLE_PROTOCOLS } from './sample-protocols.ts'

export const SAMPLE_PASSWORD = 'postern'

export const SAMPLE_USERS = [{ name: 'alice@example.org' }, { name: 'bob@example.org' }] as const

/** Ports of one backend by protocol. */
export type BackendPorts = Readonly<Record<string, number>>

/** Where a user's mail is. */
export interface SampleBackend {
  readonly host: string
  readonly ports: BackendPorts
}

/** Where nothing listens: what a backend does not serve. */
const DISCARD_PORT = 9

/** The user table of the sample proxy: who logs in with what, and where the mail is. */
export function writeUserDatabase(path: string, backends: readonly SampleBackend[]): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  const database = new DatabaseSync(path)
  const columns = SAMPLE_PROTOCOLS.map(({ name }) => `${name}_port`)
  database.exec(
    'CREATE TABLE users (user TEXT PRIMARY KEY, password TEXT NOT NULL, host TEXT NOT NULL, ' +
      `${columns.map((column) => `${column} INTEGER NOT NULL`).join(', ')})`,
  )
  const places = columns.map(() => '?').join(', ')
  const insert = database.prepare(
    `INSERT INTO users (user, password, host, ${columns.join(', ')}) VALUES (?, ?, ?, ${places})`,
  )
  for (const [index, { name }] of SAMPLE_USERS.entries()) {
    const { host = '127.0.0.1', ports = {} } = backends[index] ?? {}
    const numbers = SAMPLE_PROTOCOLS.map((protocol) => ports[protocol.name] ?? DISCARD_PORT)
    insert.run(name, `{PLAIN}${SAMPLE_PASSWORD}`, host, ...numbers)
  }
  database.close()
}

/** One row serves all protocols: `%s` says which of its ports is meant. */
export function userQuery(): string {
  const cases = SAMPLE_PROTOCOLS.map(({ name }) => `WHEN '${name}' THEN ${name}_port`)
  return `password_query = SELECT user, password, 'Y' AS proxy, host, \\
  CASE '%s' ${cases.join(' \\\n    ')} END AS port \\
  FROM users WHERE user = '%u'
`
}
