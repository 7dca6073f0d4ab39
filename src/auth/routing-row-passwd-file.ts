// Rows of a passwd-file: the `host=` and `port=` words of a user's line. The file is replaced as a whole, and nothing else
// in it changes by a byte.
import { readFile } from 'node:fs/promises'
import { compileLate } from './field-template.ts'
import { DatabaseConfigError } from './passdb/passdb.ts'
import { escapeQuotes } from './passdb/passwd-file.ts'
import { parsePassdbArgs, type PasswdFileArgs } from './passwd-file.ts'
import { FileNotReplaced, replaceFile } from './replace-file.ts'
import type { AuthRequest } from './request.ts'
import { type RouteChange, type RoutingRow, RoutingRowError, type RowRoute, type RowSource } from './routing-row.ts'

/** The file of one passdb, or the files of its path's %variables. */
export class PasswdFileRows implements RowSource {
  readonly #args: PasswdFileArgs

  /** Throws DatabaseConfigError. */
  constructor(text: string) {
    const args = parsePassdbArgs(text)
    if (typeof args === 'string') throw new DatabaseConfigError(`passdb passwd-file: ${args}`)
    this.#args = args
  }

  async find({ lookup }: AuthRequest): Promise<RoutingRow | undefined> {
    const user = compileLate(this.#args.usernameFormat).expand(lookup, escapeQuotes)
    let climbs = false
    const path = compileLate(this.#args.path).expand(lookup, (value) => {
      const cut = value.split('/', 1)[0] ?? ''
      if (cut === '.' || cut === '..' || cut.includes('\0')) climbs = true
      return cut
    })
    // As in lookups: a value cannot lead to another directory.
    if (climbs) return undefined
    const line = findLine(await read(path), user)
    const current = line === undefined ? undefined : routeOf(line.text)
    if (line === undefined || current === undefined) return undefined
    if (wordsOf(line.text).some((word) => word.startsWith('hostip='))) {
      throw new RoutingRowError(`${path}:${line.number} has a hostip, which would still name the old backend`)
    }
    return new PasswdFileRow(path, user, line, current)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

class PasswdFileRow implements RoutingRow {
  readonly place: string
  readonly current: RowRoute
  readonly #path: string
  readonly #user: string
  readonly #before: string
  #after: string | undefined

  constructor(path: string, user: string, line: Line, current: RowRoute) {
    this.place = `passwd-file ${path}:${line.number}`
    this.current = current
    this.#path = path
    this.#user = user
    this.#before = line.text
  }

  describe({ host, port }: RouteChange): string {
    const words = ({ host: name, port: number }: RowRoute): string =>
      `host=${name}${number === undefined ? '' : ` port=${number}`}`
    return `${words(this.current)} -> ${words({ host, port: port ?? this.current.port })}`
  }

  async change(change: RouteChange, signal: AbortSignal): Promise<void> {
    const after = rerouted(this.#before, change)
    await this.#replace(this.#before, after, signal)
    this.#after = after
  }

  async restore(signal: AbortSignal): Promise<void> {
    if (this.#after === undefined) return
    await this.#replace(this.#after, this.#before, signal)
    this.#after = undefined
  }

  async #replace(from: string, to: string, signal: AbortSignal): Promise<void> {
    const edit = (content: string): string => {
      const line = findLine(content, this.#user)
      if (line?.text !== from) throw new RoutingRowError(`${this.#path}: somebody else changed the user's line`)
      return content.slice(0, line.start) + to + content.slice(line.start + from.length)
    }
    try {
      await replaceFile(this.#path, edit, signal)
    } catch (error) {
      throw error instanceof FileNotReplaced ? new RoutingRowError(error.message) : error
    }
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1')
  } catch (error) {
    // Like a lookup: a file that is not there has no users.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw new RoutingRowError(error instanceof Error ? error.message : String(error))
  }
}

interface Line {
  /** Without its end; latin1, so that bytes stay what they are. */
  readonly text: string
  readonly start: number
  /** From 1. */
  readonly number: number
}

/** The line that a lookup would find: the user's first. `content` is latin1. */
export function findLine(content: string, user: string): Line | undefined {
  const name = Buffer.from(user, 'utf8').toString('latin1')
  if (name === '' || name.startsWith('#')) return undefined
  let start = 0
  for (let number = 1; start < content.length; number++) {
    const newline = content.indexOf('\n', start)
    const end = newline < 0 ? content.length : newline
    if (content.startsWith(name, start) && /^(:|\r|$)/.test(content.slice(start + name.length, end))) {
      const text = content.slice(start, end)
      return { text: text.endsWith('\r') ? text.slice(0, -1) : text, start, number }
    }
    start = end + 1
  }
  return undefined
}

/** Where the extra fields begin: behind the seventh colon. An empty eighth field is the old format, which has none. */
function extraStart(line: string): number | undefined {
  let at = -1
  for (let colons = 0; colons < 7; colons++) {
    at = line.indexOf(':', at + 1)
    if (at < 0) return undefined
  }
  return line[at + 1] === ':' ? undefined : at + 1
}

function wordsOf(line: string): readonly string[] {
  const start = extraStart(line)
  return start === undefined ? [] : line.slice(start).split(' ')
}

/** `undefined`: the line says nothing of a host. */
export function routeOf(line: string): RowRoute | undefined {
  const value = (name: string): string | undefined =>
    wordsOf(line)
      .findLast((word) => word.startsWith(`${name}=`))
      ?.slice(name.length + 1)
  const host = value('host')
  return host === undefined || host === '' ? undefined : { host, port: value('port') }
}

/** The line with another host, and another port if there is one to be; every other byte stays. */
export function rerouted(line: string, { host, port }: Pick<RouteChange, 'host' | 'port'>): string {
  const start = extraStart(line)
  if (start === undefined) throw new RoutingRowError('the line has no extra fields')
  const hasPort = wordsOf(line).some((word) => word.startsWith('port='))
  const words = line.slice(start).split(' ')
  const last = words.findLastIndex((word) => word.startsWith('host='))
  const changed = words.flatMap((word, index) => {
    if (port !== undefined && word.startsWith('port=')) return [`port=${port}`]
    if (!word.startsWith('host=')) return [word]
    return index === last && port !== undefined && !hasPort ? [`host=${host}`, `port=${port}`] : [`host=${host}`]
  })
  return line.slice(0, start) + changed.join(' ')
}
