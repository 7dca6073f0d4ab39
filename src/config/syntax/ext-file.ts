// The `*.conf.ext` files of databases: a smaller language than dovecot.conf, without sections, `<file` and `$setting`.
import type { Complaint, SourcePosition } from '../complaint.ts'
import type { ConfigFiles } from '../files.ts'
import type { Row, Rows, ValuesOf } from '../setting.ts'
import { type Read, readable, unreadable } from '../value/read.ts'
import { describeFileError, joinPath, readText } from './include.ts'
import { cleanLine, trimBlanks, unescape } from './line.ts'

export interface ExtFile<R extends Rows> {
  readonly values: ValuesOf<R>
  /** Names of the settings that the file sets. */
  readonly changed: ReadonlySet<string>
  /** Texts as Dovecot logs them, with file and line. */
  readonly complaints: readonly Complaint[]
}

export interface ExtFileOptions {
  /** Report the lines of a wrapped query as the errors they are to Dovecot. */
  readonly strict?: boolean
  /** For `$ENV:NAME`. */
  readonly env?: ReadonlyMap<string, string>
}

const EXT_FILE_LIMITS = {
  /** Files included by one file, the same one counted each time. */
  includes: 1000,
} as const

/** Reads a database's configuration by the rows of its driver. Nothing is thrown: what is wrong is among the complaints. */
export function parseExtFile<R extends Rows>(
  path: string,
  text: string,
  rows: R,
  files: ConfigFiles,
  options: ExtFileOptions = {},
): ExtFile<R> {
  const reader = new ExtReader(rows, files, options)
  reader.readFile(path, text, [])
  const values = Object.entries(rows).map(([key, row]) => [key, reader.valueOf(key, row)] as const)
  // Each value comes from the row of its own key, which is what ValuesOf says.
  return { values: Object.fromEntries(values) as ValuesOf<R>, changed: reader.changed, complaints: reader.complaints }
}

interface Assigned {
  /** As written, for lines that turn out to belong to it. */
  readonly written: string
  readonly value: unknown
}

class ExtReader {
  readonly complaints: Complaint[] = []
  readonly #rows: Rows
  readonly #files: ConfigFiles
  readonly #options: ExtFileOptions
  readonly #assigned = new Map<string, Assigned>()
  #previousKey: string | undefined
  #continued = ''
  #included = 0

  constructor(rows: Rows, files: ConfigFiles, options: ExtFileOptions) {
    this.#rows = rows
    this.#files = files
    this.#options = options
  }

  get changed(): ReadonlySet<string> {
    return new Set(this.#assigned.keys())
  }

  valueOf(key: string, row: Row<unknown>): unknown {
    return this.#assigned.get(key)?.value ?? row.defaultValue
  }

  readFile(path: string, text: string, outer: readonly string[]): void {
    const lines = text.split('\n')
    for (const [index, line] of lines.entries()) {
      const clean = cleanLine(line.endsWith('\r') ? line.slice(0, -1) : line)
      // Unlike in dovecot.conf, comments and empty lines do not end a continued statement.
      if (clean.text === '' && !clean.continues) continue
      if (clean.continues) {
        if (clean.text !== '') this.#continued += `${clean.text} `
        continue
      }
      const statement = this.#continued + clean.text
      this.#continued = ''
      this.#statement(statement, { file: path, line: index + 1 }, [...outer, path])
    }
  }

  #statement(text: string, at: SourcePosition, open: readonly string[]): void {
    const [, key = '', rest = ''] = /^([^ \t=]*)[ \t]*(.*)$/s.exec(text) ?? []
    if (key === '!include' || key === '!include_try') return this.#include(rest, key === '!include_try', at, open)
    const row = Object.hasOwn(this.#rows, key) ? this.#rows[key] : undefined
    if (rest.startsWith('=') && row !== undefined) return this.#assign(key, row, trimBlanks(rest.slice(1)), at)
    if (this.#joinWrapped(text, at)) return
    this.#error(rest.startsWith('=') ? `Unknown setting: ${key}` : "Expecting '='", at)
  }

  #assign(key: string, row: Row<unknown>, written: string, at: SourcePosition): void {
    const read = readAs(row, this.#expand(written))
    if (!read.ok) return this.#error(read.error, at)
    this.#previousKey = key
    this.#assigned.set(key, { written, value: read.value })
  }

  /** Dumps of wiki pages wrap long queries without the backslash that Dovecot wants. */
  #joinWrapped(text: string, at: SourcePosition): boolean {
    const key = this.#previousKey
    const before = key === undefined ? undefined : this.#assigned.get(key)
    if (this.#options.strict === true || key === undefined || before === undefined) return false
    const row = this.#rows[key]
    if (row === undefined || !/_(query|filter|attrs)$/.test(key)) return false
    this.#warn(`Taking this line for the rest of ${key}: end the line before it with a backslash`, at)
    this.#assign(key, row, `${before.written} ${text}`, at)
    return true
  }

  #expand(written: string): string {
    const [quote] = written
    if (quote === '"' || quote === "'") return written.endsWith(quote) ? unescape(written.slice(1, -1)) : written
    return written.replace(
      /(^| )\$ENV:([^ ]*)/g,
      (_, blank: string, name: string) => blank + (this.#options.env?.get(name) ?? ''),
    )
  }

  #include(pattern: string, optional: boolean, at: SourcePosition, open: readonly string[]): void {
    const paths = this.#files.glob(joinPath(at.file, pattern))
    if (paths.length === 0 && !optional) this.#error('No matches', at)
    for (const path of paths) {
      if (open.includes(path)) this.#error(`Recursive include file: ${path}`, at)
      else if (++this.#included > EXT_FILE_LIMITS.includes) return this.#error('Too many included files', at)
      else this.#readInclude(path, optional, at, open)
    }
  }

  #readInclude(path: string, optional: boolean, at: SourcePosition, open: readonly string[]): void {
    let text: string
    try {
      text = readText(this.#files, path)
    } catch (error) {
      if (!optional) this.#error(`Couldn't open include file ${path}: ${describeFileError(error)}`, at)
      return
    }
    this.readFile(path, text, open)
  }

  #error(what: string, at: SourcePosition): void {
    this.complaints.push({ severity: 'error', text: describe(what, at), at })
  }

  #warn(what: string, at: SourcePosition): void {
    this.complaints.push({ severity: 'warning', text: describe(what, at), at })
  }
}

/** Booleans and numbers follow other rules than in dovecot.conf. */
function readAs(row: Row<unknown>, text: string): Read<unknown> {
  if (row.kind === 'boolean') {
    const word = text.toLowerCase()
    return word === 'yes' || word === 'no' ? readable(word === 'yes', word) : unreadable(`Invalid boolean: ${text}`)
  }
  if (row.kind === 'uint') {
    const digits = /^(0x[0-9a-f]+|[0-9]+)/i.exec(text)?.[1]
    if (digits === undefined) return unreadable(`Invalid number: ${text}`)
    const octal = /^0[0-7]+$/.test(digits)
    return readable(octal ? Number.parseInt(digits, 8) : Number(digits), digits)
  }
  return row.read(text)
}

function describe(what: string, at: SourcePosition): string {
  return `Error in configuration file ${at.file} line ${at.line}: ${what}`
}
