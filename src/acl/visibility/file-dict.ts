// acl_shared_dict = file:PATH. Dovecot's own format: a line with the key, a line with the value.
import { readFile, stat } from 'node:fs/promises'
import { codeOf } from '../acl-files.ts'
import { bytesFromText, textFromBytes } from '../byte-text.ts'
import { replaceUnderDotlock } from '../dotlock.ts'
import type { SharedDict } from './shared-dict.ts'
import { isFrom, SHARED_BOXES } from './shared-keys.ts'

interface Known {
  readonly stamp: string
  readonly values: ReadonlyMap<string, string>
  /** Keys of the shared boxes by what is asked for: who shares with one user, one group, everybody. */
  readonly below: ReadonlyMap<string, readonly string[]>
}

const NO_KEYS: readonly string[] = []

/** Other keys in the file stay as they are. */
export class FileSharedDict implements SharedDict {
  readonly #path: string
  readonly #now: () => number
  #known: Known | undefined

  /** `now`: milliseconds since 1970. */
  constructor(path: string, now: () => number) {
    this.#path = path
    this.#now = now
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const { below, values } = await this.#read()
    if (isReaderPrefix(prefix)) return below.get(prefix) ?? NO_KEYS
    return [...values.keys()].filter((key) => key.startsWith(prefix))
  }

  async keysFrom(user: string): Promise<readonly string[]> {
    return [...(await this.#read()).values.keys()].filter((key) => isFrom(key, user))
  }

  async change({ set, unset }: { readonly set: readonly string[]; readonly unset: readonly string[] }): Promise<void> {
    const edit = async (): Promise<Buffer | undefined> => {
      const before = await this.#load()
      const values = new Map(before)
      for (const key of unset) values.delete(key)
      for (const key of set) values.set(key, '1')
      const isSame = values.size === before.size && [...values].every(([key, value]) => before.get(key) === value)
      return isSame ? undefined : bytesFromText([...values].map(([key, value]) => `${key}\n${value}\n`).join(''))
    }
    await replaceUnderDotlock(this.#path, edit, { now: this.#now })
    this.#known = undefined
  }

  close(): void {
    this.#known = undefined
  }

  async #read(): Promise<Known> {
    const stamp = await stampOf(this.#path)
    if (this.#known?.stamp === stamp) return this.#known
    const values = await this.#load()
    this.#known = { stamp, values, below: keysByPrefix(values.keys()) }
    return this.#known
  }

  async #load(): Promise<ReadonlyMap<string, string>> {
    try {
      return parseDict(await readFile(this.#path))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return new Map()
      throw error
    }
  }
}

/** Every level of a key, because names of users may have slashes. */
function keysByPrefix(keys: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const below = new Map<string, string[]>()
  for (const key of keys) {
    if (!key.startsWith(SHARED_BOXES)) continue
    for (let at = key.indexOf('/', SHARED_BOXES.length); at > 0; at = key.indexOf('/', at + 1)) {
      const prefix = key.slice(0, at + 1)
      if (!isReaderPrefix(prefix)) continue
      const found = below.get(prefix)
      if (found === undefined) below.set(prefix, [key])
      else found.push(key)
    }
  }
  return below
}

/** One user, one group or everybody; not all of a kind. */
function isReaderPrefix(prefix: string): boolean {
  return prefix.startsWith(SHARED_BOXES) && prefix.endsWith('/') && !KINDS.has(prefix.slice(SHARED_BOXES.length))
}

const KINDS: ReadonlySet<string> = new Set(['', 'user/', 'group/'])

function parseDict(bytes: Buffer): ReadonlyMap<string, string> {
  const lines = textFromBytes(bytes).split('\n')
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < lines.length; at += 2) values.set(lines[at] ?? '', lines[at + 1] ?? '')
  return values
}

async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'absent'
    throw error
  }
}
