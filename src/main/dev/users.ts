import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

export const SAMPLE_PASSWORD = 'postern'

export const SAMPLE_USERS = [{ name: 'alice@example.org' }, { name: 'bob@example.org' }] as const

/** The user table of the sample proxy: who logs in with what, and which backend has the mail. */
export function writeUserDatabase(path: string, ports: readonly [number, number]): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  const database = new DatabaseSync(path)
  database.exec(
    'CREATE TABLE users (user TEXT PRIMARY KEY, password TEXT NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL)',
  )
  const insert = database.prepare('INSERT INTO users (user, password, host, port) VALUES (?, ?, ?, ?)')
  for (const [index, { name }] of SAMPLE_USERS.entries()) {
    insert.run(name, `{PLAIN}${SAMPLE_PASSWORD}`, '127.0.0.1', ports[index] ?? 9)
  }
  database.close()
}
