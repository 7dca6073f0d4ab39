import { closeSync, fstatSync, futimesSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import type { FormatContext } from '../format.ts'
import { removeFile, type Syncing } from './disk.ts'
import { MAX_LETTERS } from './file-name.ts'
import { adjustFile, permissionsOf } from './permissions.ts'

// `dovecot-keywords`: lines `<number> <keyword>`, number 0 is the letter `a`. Changed only by who holds the uidlist's lock.
// Dovecot notices a change by whole seconds of its mtime, which therefore must grow each time.

/** No file's. */
const UNREAD = -2

export class KeywordFile {
  /** By number; holes are numbers without a name. */
  readonly names: (string | undefined)[] = []
  readonly #path: string
  readonly #directory: string
  readonly #context: FormatContext
  readonly #syncing: Syncing
  readonly #numbers = new Map<string, number>()
  #inode = -1
  #mtimeMs = 0
  #changed = false

  constructor(directory: string, context: FormatContext, syncing: Syncing) {
    this.#directory = directory
    this.#path = `${directory}/dovecot-keywords`
    this.#context = context
    this.#syncing = syncing
  }

  /** Reads the file when it changed. True when it did. */
  refresh(): boolean {
    const stat = statSync(this.#path, { throwIfNoEntry: false })
    const { ino, mtimeMs } = stat ?? { ino: -1, mtimeMs: 0 }
    if (ino === this.#inode && mtimeMs === this.#mtimeMs) return false
    this.#inode = ino
    this.#mtimeMs = mtimeMs
    this.#clear()
    this.#changed = false
    if (stat !== undefined) this.#parse(readFileSync(this.#path, 'latin1'))
    return true
  }

  /** The keyword of a number; one that was lost gets a name all the same, the one Dovecot gives it. */
  name(number: number): string {
    const known = this.names[number]
    if (known !== undefined) return known
    let name = `unknown-${number}`
    while (this.#numbers.has(name)) name += '?'
    this.#set(number, name)
    this.#changed = true
    return name
  }

  /** All keywords, by number. */
  list(): string[] {
    return this.names.filter((name) => name !== undefined)
  }

  /** The number of a keyword in any case, a new one when need be; `undefined` when all letters are taken. `commit` writes it. */
  numberFor(keyword: string): number | undefined {
    const known = this.#numbers.get(keyword.toLowerCase())
    if (known !== undefined) return known
    const free = this.#free()
    if (free === undefined) return undefined
    this.#set(free, keyword)
    this.#changed = true
    return free
  }

  /** Writes what `numberFor` made. The caller holds the uidlist's lock, which guards this file, too. */
  async commit(): Promise<void> {
    if (!this.#changed) return
    const temporary = `${this.#path}.lock`
    removeFile(temporary)
    const permissions = permissionsOf(this.#directory)
    // What could not be written is not there: the file is read again.
    this.#inode = UNREAD
    const fd = openSync(temporary, 'wx', permissions.fileMode)
    try {
      adjustFile(fd, permissions)
      writeSync(fd, this.#text(), 0, 'latin1')
      this.#growTime(fd)
      await this.#syncing.file(fd)
      renameSync(temporary, this.#path)
      const stat = fstatSync(fd)
      this.#inode = stat.ino
      this.#mtimeMs = stat.mtimeMs
      this.#changed = false
    } catch (error) {
      removeFile(temporary)
      throw error
    } finally {
      closeSync(fd)
    }
  }

  #growTime(fd: number): void {
    const nowSecs = Math.floor(this.#context.now() / 1000)
    const lastSecs = Math.floor(this.#mtimeMs / 1000)
    if (nowSecs <= lastSecs) futimesSync(fd, nowSecs, lastSecs + 1)
  }

  #free(): number | undefined {
    for (let number = 0; number < MAX_LETTERS; number++) if (this.names[number] === undefined) return number
    return undefined
  }

  #text(): string {
    return this.names.map((name, number) => (name === undefined ? '' : `${number} ${name}\n`)).join('')
  }

  #parse(text: string): void {
    for (const line of text.split('\n')) {
      const [, digits, name] = /^(\d{1,2}) (.+)$/.exec(line) ?? []
      if (name !== undefined && Number(digits) < MAX_LETTERS) this.#set(Number(digits), name)
    }
  }

  #set(number: number, name: string): void {
    this.names[number] = name
    this.#numbers.set(name.toLowerCase(), number)
  }

  #clear(): void {
    this.names.length = 0
    this.#numbers.clear()
  }
}
