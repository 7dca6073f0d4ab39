// acl_shared_dict in SQL, with the tables of Dovecot's documentation: user_shares and anyone_shares, and group_shares beside them.
import { SHARED_BOXES } from './shared-keys.ts'
import type { SharedDict } from './shared-dict.ts'

/** The part of a SQL client that is used. `values` stand for the `?` in the statement. */
export interface SharingSql {
  query(sql: string, values: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/**
 * CREATE TABLE user_shares (from_user VARCHAR(255) NOT NULL, to_user VARCHAR(255) NOT NULL, dummy CHAR(1) DEFAULT '1',
 * PRIMARY KEY (from_user, to_user)); the same for group_shares with to_group, and anyone_shares without either.
 */
const TABLES = [
  { kind: 'user', table: 'user_shares', to: 'to_user' },
  { kind: 'group', table: 'group_shares', to: 'to_group' },
  { kind: 'anyone', table: 'anyone_shares', to: undefined },
] as const

type Table = (typeof TABLES)[number]

export class SqlSharedDict implements SharedDict {
  readonly #sql: SharingSql

  constructor(sql: SharingSql) {
    this.#sql = sql
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const found: string[] = []
    for (const table of TABLES) found.push(...(await this.#keysIn(table, prefix)))
    return found
  }

  async keysFrom(user: string): Promise<readonly string[]> {
    const found: string[] = []
    for (const { kind, table, to } of TABLES) {
      const columns = to === undefined ? 'from_user' : `from_user, ${to}`
      const rows = await this.#sql.query(`SELECT ${columns} FROM ${table} WHERE from_user = ?`, [user])
      const base = `${SHARED_BOXES}${kind}/`
      // The database may compare names without case; keys do not.
      for (const row of rows.filter((one) => String(one['from_user']) === user))
        found.push(base + [...(to === undefined ? [] : [String(row[to])]), user].join('/'))
    }
    return found
  }

  async change({ set, unset }: { readonly set: readonly string[]; readonly unset: readonly string[] }): Promise<void> {
    for (const key of unset) await this.#delete(key)
    // A row that is there already would be an error in one database and a second row in another.
    for (const key of set) {
      await this.#delete(key)
      await this.#insert(key)
    }
  }

  close(): void {
    // The client belongs to whoever opened it.
  }

  async #keysIn({ kind, table, to }: Table, prefix: string): Promise<readonly string[]> {
    const base = `${SHARED_BOXES}${kind}/`
    const [, recipient] = prefix.startsWith(base) ? (/^(.+)\/[^/]*$/s.exec(prefix.slice(base.length)) ?? []) : []
    if (!prefix.startsWith(base) && !base.startsWith(prefix)) return []
    const columns = to === undefined ? 'from_user' : `from_user, ${to}`
    const rows =
      to === undefined || recipient === undefined
        ? await this.#sql.query(`SELECT ${columns} FROM ${table}`, [])
        : await this.#sql.query(`SELECT ${columns} FROM ${table} WHERE ${to} = ?`, [recipient])
    const keys = rows.map(
      (row) => base + [...(to === undefined ? [] : [row[to]]), row['from_user']].map(String).join('/'),
    )
    return keys.filter((key) => key.startsWith(prefix))
  }

  async #delete(key: string): Promise<void> {
    const { table, where, values } = rowOf(key)
    await this.#sql.query(`DELETE FROM ${table} WHERE ${where.map((column) => `${column} = ?`).join(' AND ')}`, values)
  }

  async #insert(key: string): Promise<void> {
    const { table, where, values } = rowOf(key)
    const marks = where.map(() => '?').join(', ')
    await this.#sql.query(`INSERT INTO ${table} (${where.join(', ')}, dummy) VALUES (${marks}, '1')`, values)
  }
}

function rowOf(key: string): {
  readonly table: string
  readonly where: readonly string[]
  readonly values: readonly string[]
} {
  for (const { kind, table, to } of TABLES) {
    const base = `${SHARED_BOXES}${kind}/`
    if (!key.startsWith(base)) continue
    const rest = key.slice(base.length)
    if (to === undefined) return { table, where: ['from_user'], values: [rest] }
    const slash = rest.lastIndexOf('/')
    return { table, where: [to, 'from_user'], values: [rest.slice(0, slash), rest.slice(slash + 1)] }
  }
  throw new Error(`no table for the key ${key}`)
}
