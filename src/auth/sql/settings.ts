import type { Complaint, ConfigFiles } from '../../config/config.ts'
import { boolean, string, type ValuesOf } from '../../config/setting.ts'
import { parseExtFile } from '../../config/syntax/ext-file.ts'
import { templateFault } from '../field-template.ts'
import { DatabaseConfigError } from '../passdb/passdb.ts'

/** The settings of a dovecot-sql.conf.ext. */
export const sqlRows = {
  driver: string('', 'Kind of database: mysql, pgsql or sqlite.'),
  connect: string(
    '',
    'Where the database is: `host=... dbname=... user=... password=...`, or the path of an SQLite file.',
  ),
  password_query: string(
    "SELECT username, domain, password FROM users WHERE username = '%n' AND domain = '%d'",
    'Finds the password and the extra fields of a user.',
  ),
  user_query: string(
    "SELECT home, uid, gid FROM users WHERE username = '%n' AND domain = '%d'",
    'Finds the userdb fields of a user.',
  ),
  iterate_query: string('SELECT username, domain FROM users', 'Lists all users.'),
  update_query: string(
    "UPDATE users SET password = '%w' WHERE username = '%n' AND domain = '%d'",
    'Stores a password; no mechanism that needs it is supported.',
  ),
  postern_move_query: string(
    '',
    "For `postern move`: changes a user's backend, with variables as in password_query and `%{host}`, `%{port}`, `%{delay_until}`, `%{old_host}`, `%{old_port}`. One statement: `UPDATE users SET host = '%{host}' WHERE user = '%u'`.",
  ),
  postern_move_connect: string('', 'Where `postern move` writes, as a user who may; empty: as connect says.'),
  default_pass_scheme: string('MD5', 'Scheme of passwords that name none.'),
  userdb_warning_disable: boolean('no', 'Do not warn about a user_query that no userdb uses.'),
} as const

export type SqlSettings = ValuesOf<typeof sqlRows> & {
  readonly path: string
  /** Which settings the file sets itself. */
  readonly changed: ReadonlySet<string>
}

/** Reads an ext file. Throws DatabaseConfigError with Dovecot's fatal line. Warnings are given to `complain`. */
export function readSqlSettings(
  path: string,
  files: ConfigFiles,
  complain: (complaint: Complaint) => void,
): SqlSettings {
  if (path === '') throw new DatabaseConfigError('sql: Configuration file path not given')
  const { values, changed, complaints } = parseExtFile(path, readText(path, files), sqlRows, files)
  const error = complaints.find(({ severity }) => severity === 'error')
  if (error !== undefined) throw new DatabaseConfigError(`sql ${path}: ${error.text}`)
  complaints.forEach(complain)
  if (values.driver === '') throw new DatabaseConfigError(`sql: driver not set in configuration file ${path}`)
  if (values.connect === '') throw new DatabaseConfigError(`sql: connect string not set in configuration file ${path}`)
  for (const query of ['password_query', 'user_query'] as const) {
    const fault = templateFault(values[query])
    if (fault !== undefined)
      complain({ severity: 'warning', text: `sql ${path}: ${query} cannot be expanded: ${fault}` })
  }
  return { ...values, path, changed }
}

function readText(path: string, files: ConfigFiles): string {
  try {
    return files.read(path).toString('utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why =
      code === 'ENOENT' ? 'No such file or directory' : code === 'EACCES' ? 'Permission denied' : String(error)
    throw new DatabaseConfigError(`sql ${path}: Can't open configuration file ${path}: ${why}`)
  }
}
