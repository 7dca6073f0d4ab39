// passwd-file: `user:password:uid:gid:gecos:home:shell:extra fields`, one user a line. Read whole, read again when the file
// changes. Lines are taken apart when their user comes, so that large files load fast.
import { ExpandError, type Template, type VariableLookup } from '../config/expand.ts'
import type { LogLevel } from '../observe/events.ts'
import { compileField, compileValue, type DatabaseField, splitBlanks } from './field-template.ts'
import type { AuthFiles, Clock, FileStatus, SystemIds } from './needs.ts'
import { parseId } from './userdb-field.ts'

export const PASSWD_FILE_LIMITS = {
  /** Changes of a file are looked for at most this often. */
  checkMs: 1000,
  /** Files of a path with %variables that are kept in memory. */
  files: 500,
  /** Lines taken in one go before others get their turn. */
  linesAtOnce: 20_000,
} as const

/** A user's line. Fields that are not there are `undefined`; fields that are empty are empty. */
export interface PasswdEntry {
  /** With `{SCHEME}` where the line says which. */
  readonly password: string | undefined
  readonly uid: string | undefined
  readonly gid: string | undefined
  readonly home: string | undefined
  /** `FILE:LINE`. */
  readonly from: string
  /** Extra fields without `userdb_`, and those with it (prefix removed). */
  readonly passdbFields: readonly DatabaseField[]
  readonly userdbFields: readonly DatabaseField[]
}

export interface PasswdFileNeeds {
  readonly files: AuthFiles
  readonly clock: Clock
  readonly ids: SystemIds
  readonly debug: boolean
  log(level: LogLevel, text: string): void
}

export type PasswdLookup =
  | { readonly kind: 'found'; readonly entry: PasswdEntry }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'missing'; readonly path: string }
  | { readonly kind: 'failed'; readonly error: string }

/** A file that was read. Large files have many users, few of whom come: their lines stay text until then. */
interface Users {
  readonly text: string
  /** Where each user stands in `starts` and `lines`. */
  readonly index: Map<string, number>
  readonly starts: number[]
  /** Line numbers, from 1. */
  readonly lines: number[]
  /** Lines that were asked for; `unusable` ones were complained about. */
  readonly entries: Map<string, PasswdEntry | 'unusable'>
}

/** One file. Keeps the users of its last good reading until a new one is complete. */
class PasswdFile {
  readonly path: string
  readonly #needs: PasswdFileNeeds
  readonly #isUserdb: () => boolean
  #users: Users | undefined
  #status: FileStatus | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  #checking: Promise<PasswdLookup | undefined> | undefined
  #fault: PasswdLookup | undefined

  constructor(path: string, needs: PasswdFileNeeds, isUserdb: () => boolean) {
    this.path = path
    this.#needs = needs
    this.#isUserdb = isUserdb
  }

  /** Answers at once when the file was looked at within the last second. */
  lookup(user: string): PasswdLookup | Promise<PasswdLookup> {
    const now = this.#needs.clock.now()
    if (this.#checking === undefined && now - this.#checkedAt < PASSWD_FILE_LIMITS.checkMs && now >= this.#checkedAt) {
      return this.#fault ?? this.#find(user)
    }
    return this.refresh().then((fault) => fault ?? this.#find(user))
  }

  /** Reads the file when it changed; resolves with what is wrong with it. */
  refresh(): Promise<PasswdLookup | undefined> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
      this.#checkedAt = this.#needs.clock.now()
    })
    return this.#checking
  }

  /** Names of all users; with `complete`, only of those whose line has more than a password. */
  async users(complete: boolean): Promise<readonly string[]> {
    await this.refresh()
    const users = this.#users
    if (users === undefined) return []
    return [...users.index.keys()].filter((user) => !complete || /^[^:]*:[^:]*:/.test(this.#line(users, user)))
  }

  async #check(): Promise<PasswdLookup | undefined> {
    try {
      const status = await this.#needs.files.stat(this.path)
      if (this.#users === undefined || status.mtimeMs !== this.#status?.mtimeMs || status.size !== this.#status.size) {
        this.#users = await this.#parse((await this.#needs.files.read(this.path)).toString('utf8'))
        this.#status = status
      }
      this.#fault = undefined
    } catch (error) {
      this.#users = undefined
      this.#fault = fileFault(error, this.path)
    }
    return this.#fault
  }

  async #parse(text: string): Promise<Users> {
    const users: Users = { text, index: new Map(), starts: [], lines: [], entries: new Map() }
    let start = 0
    for (let line = 1; start < text.length; line++) {
      this.#addLine(users, start, line)
      const newline = text.indexOf('\n', start)
      start = newline < 0 ? text.length : newline + 1
      if (line % PASSWD_FILE_LIMITS.linesAtOnce === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.#needs.debug) this.#needs.log('debug', `passwd-file ${this.path}:Read ${users.index.size} users`)
    return users
  }

  #addLine(users: Users, start: number, line: number): void {
    const { text, index, starts, lines } = users
    const user = /[^:\r\n]*/y
    user.lastIndex = start
    const name = user.exec(text)?.[0] ?? ''
    if (name === '' || name.startsWith('#')) return
    if (index.has(name)) {
      this.#needs.log('error', `passwd-file ${this.path}:User ${name} exists more than once`)
      return
    }
    index.set(name, starts.length)
    starts.push(start)
    lines.push(line)
  }

  #line({ text, index, starts }: Users, user: string): string {
    const start = starts[index.get(user) ?? -1] ?? 0
    const newline = text.indexOf('\n', start)
    const line = text.slice(start, newline < 0 ? text.length : newline)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }

  #find(user: string): PasswdLookup {
    const users = this.#users
    const known = users?.entries.get(user)
    if (known !== undefined) return known === 'unusable' ? { kind: 'unknown' } : { kind: 'found', entry: known }
    const at = users?.index.get(user)
    if (users === undefined || at === undefined) return { kind: 'unknown' }
    const parsed = parsePasswdLine(this.#line(users, user), `${this.path}:${users.lines[at]}`)
    const fault = typeof parsed === 'string' || !this.#isUserdb() ? undefined : idFault(parsed, this.#needs.ids)
    const entry = fault ?? parsed
    if (typeof entry === 'string') this.#needs.log('error', `passwd-file ${this.path}:User ${user} ${entry}`)
    users.entries.set(user, typeof entry === 'string' ? 'unusable' : entry)
    return typeof entry === 'string' ? { kind: 'unknown' } : { kind: 'found', entry }
  }
}

function fileFault(error: unknown, path: string): PasswdLookup {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return { kind: 'missing', path }
  return { kind: 'failed', error: `stat(${path}) failed: ${error instanceof Error ? error.message : String(error)}` }
}

/** Names of users and groups must exist, and root reads no mail. */
function idFault(entry: PasswdEntry, ids: SystemIds): string | undefined {
  for (const kind of ['uid', 'gid'] as const) {
    const value = entry[kind] ?? ''
    const id = value === '' ? 1 : parseId(kind, value, ids)
    if (id === undefined || id === 0) return `has invalid ${kind.toUpperCase()} '${value}'`
  }
  return undefined
}

/** Takes a line apart; a text is a complaint about it. */
export function parsePasswdLine(line: string, from: string): PasswdEntry | string {
  const [, password, uid, gid, , home, , ...rest] = line.split(':')
  const stored = password === undefined ? undefined : legacyPassword(password)
  if (stored === 'has invalid password') return stored
  const extra = splitBlanks(extraFields(rest)).map((word) => compileField(word, from))
  return {
    password: stored,
    uid,
    gid,
    home: home === '' ? undefined : home,
    from,
    passdbFields: extra.filter(({ name }) => !name.startsWith('userdb_')),
    userdbFields: extra.filter(({ name }) => name.startsWith('userdb_')),
  }
}

/** The eighth field and what follows; the old format has it empty, and the mail location behind. */
function extraFields([first, ...more]: readonly string[]): string {
  if (first === undefined) return ''
  if (first !== '') return [first, ...more].join(':')
  const mail = more.join(':')
  return mail === '' ? '' : `userdb_mail=${mail}`
}

/** `password[13]`, `[34]` and `[56]` of libpam-pwdfile name the scheme behind the password. */
function legacyPassword(password: string): string {
  const legacy = /^[^{$].*\[(..)\]$/s.exec(password)
  if (legacy === null) return password
  const bare = password.slice(0, -4)
  if (legacy[1] === '34') return `{PLAIN-MD5}${bare}`
  if (legacy[1] !== '56') return `{CRYPT}${bare}`
  return bare.length === 32 ? `{DIGEST-MD5}${bare}` : 'has invalid password'
}

/** Opens passwd-files; blocks with the same path share one. */
export class PasswdFileStore {
  readonly #needs: PasswdFileNeeds
  readonly #files = new Map<string, PasswdFiles>()

  constructor(needs: PasswdFileNeeds) {
    this.#needs = needs
  }

  open(path: string, user: 'passdb' | 'userdb'): PasswdFiles {
    let files = this.#files.get(path)
    if (files === undefined) {
      files = new PasswdFiles(path, this.#needs)
      this.#files.set(path, files)
    }
    if (user === 'userdb') files.isUserdb = true
    return files
  }
}

/** The passwd-files of one `args`: a single one, or one for each value of the path's %variables. */
export class PasswdFiles {
  /** Lines must have ids that mean something: those that do not are nobody's, not even a passdb's. */
  isUserdb = false
  readonly #path: string | Template
  readonly #pathText: string
  readonly #needs: PasswdFileNeeds
  readonly #files = new Map<string, PasswdFile>()

  constructor(path: string, needs: PasswdFileNeeds) {
    this.#pathText = path
    this.#path = compileValue(path)
    this.#needs = needs
  }

  /** The one path; `undefined` when it has %variables. */
  get path(): string | undefined {
    return typeof this.#path === 'string' ? this.#path : undefined
  }

  lookup(user: string, variables: VariableLookup): PasswdLookup | Promise<PasswdLookup> {
    const path = this.pathFor(variables)
    if (typeof path !== 'string') return path
    const found = this.#file(path).lookup(user)
    if (typeof this.#path === 'string') return found
    // Strangers make up names: files that do not exist are not remembered.
    return Promise.resolve(found).then((result) => {
      if (result.kind === 'missing') this.#files.delete(path)
      return result
    })
  }

  /** The path for these variables. */
  pathFor(variables: VariableLookup): string | PasswdLookup {
    if (typeof this.#path === 'string') return this.#path
    let climbs = false
    try {
      const path = this.#path.expand(variables, (value) => {
        const cut = value.split('/', 1)[0] ?? ''
        if (cut === '.' || cut === '..' || cut.includes('\0')) climbs = true
        return cut
      })
      // A domain called `..` is nobody's: it must not lead to another directory.
      return climbs ? { kind: 'unknown' } : path
    } catch (error) {
      if (!(error instanceof ExpandError)) throw error
      return { kind: 'failed', error: `Failed to expand passwd-file path ${this.#pathText}: ${error.message}` }
    }
  }

  /** Reads the file, if there is only one; resolves with what is wrong. */
  async refresh(): Promise<string | undefined> {
    if (this.path === undefined) return undefined
    const fault = await this.#file(this.path).refresh()
    if (fault?.kind === 'missing') return `open(${fault.path}) failed: No such file or directory`
    return fault?.kind === 'failed' ? fault.error : undefined
  }

  /** Names of users, when there is only one file. See PasswdFile. */
  async users(complete: boolean): Promise<readonly string[] | undefined> {
    return this.path === undefined ? undefined : await this.#file(this.path).users(complete)
  }

  #file(path: string): PasswdFile {
    let file = this.#files.get(path)
    if (file === undefined) {
      file = new PasswdFile(path, this.#needs, () => this.isUserdb)
      if (this.#files.size >= PASSWD_FILE_LIMITS.files) this.#forgetOldest()
      this.#files.set(path, file)
    }
    return file
  }

  #forgetOldest(): void {
    const [oldest] = this.#files.keys()
    if (oldest !== undefined) this.#files.delete(oldest)
  }
}

/** The options in front of the path: `scheme=S username_format=F /path`. */
export interface PasswdFileArgs {
  readonly scheme: string
  readonly usernameFormat: string
  readonly path: string
}

/** Parses a passdb's args; a text is Dovecot's fatal line without the driver's name. */
export function parsePassdbArgs(args: string): PasswdFileArgs | string {
  let scheme = 'CRYPT'
  let usernameFormat = '%u'
  let path = args
  while (path !== '' && !path.startsWith('/')) {
    const { key, value, rest } = nextOption(path)
    if (key === 'scheme') scheme = value
    else if (key === 'username_format') usernameFormat = value
    else return `Unknown setting: ${key}`
    path = rest
  }
  return path === '' ? 'Missing args' : { scheme, usernameFormat, path }
}

/** Parses a userdb's args: at most one option. */
export function parseUserdbArgs(args: string): PasswdFileArgs | string {
  const isOption = args.startsWith('username_format=')
  const { value, rest } = nextOption(args)
  const path = isOption ? rest : args
  return path === '' ? 'Missing args' : { scheme: '', usernameFormat: isOption ? value : '%u', path }
}

function nextOption(args: string): { key: string; value: string; rest: string } {
  const blank = args.indexOf(' ')
  const word = blank < 0 ? args : args.slice(0, blank)
  const equals = word.indexOf('=')
  return {
    key: equals < 0 ? word : word.slice(0, equals),
    value: equals < 0 ? '' : word.slice(equals + 1),
    rest: blank < 0 ? '' : args.slice(blank + 1),
  }
}
