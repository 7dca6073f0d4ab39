// The ext file that `args` of some databases names: read once, with Dovecot's words for what is wrong.
import type { Rows, ValuesOf } from '../config/setting.ts'
import { parseExtFile } from '../config/syntax/ext-file.ts'
import { codeOf, errnoText } from '../net/fault-text.ts'
import { type DatabaseNeeds, DatabaseConfigError } from './passdb/passdb.ts'

/** Reads `path` by the rows of a driver. Throws DatabaseConfigError; warnings are given to `needs.complain`. */
export function readExtFile<R extends Rows>(
  driver: string,
  path: string,
  rows: R,
  needs: Pick<DatabaseNeeds, 'configFiles' | 'complain'>,
): { readonly values: ValuesOf<R>; readonly changed: ReadonlySet<string> } {
  if (path === '') throw new DatabaseConfigError(`${driver}: Configuration file path not given`)
  const text = readConfigText(driver, path, needs)
  const { values, changed, complaints } = parseExtFile(path, text, rows, needs.configFiles)
  const error = complaints.find(({ severity }) => severity === 'error')
  if (error !== undefined) throw new DatabaseConfigError(`${driver} ${path}: ${error.text}`)
  for (const complaint of complaints) needs.complain(complaint)
  return { values, changed }
}

/** Another file that the configuration of a database names. Throws DatabaseConfigError. */
export function readConfigText(
  driver: string,
  path: string,
  { configFiles }: Pick<DatabaseNeeds, 'configFiles'>,
): string {
  try {
    return configFiles.read(path).toString('utf8')
  } catch (error) {
    const code = codeOf(error)
    const why = code === undefined ? String(error) : errnoText(code)
    throw new DatabaseConfigError(`${driver} ${path}: Can't open configuration file ${path}: ${why}`)
  }
}
