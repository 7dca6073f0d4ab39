// acl_shared_dict = file:PATH. Dovecot's own format: a line with the key, a line with the value.
import { readFile, stat } from 'node:fs/promises'
import { codeOf } from '../acl-files.ts'
import { bytesFromText, textFromBytes } from '../byte-text.ts'
import { replaceUnderDotlock } from '../dotlock.ts'
import type { SharedDict } from './shared-dict.ts'
import { isFrom } from './shared-keys.ts'

/** Other keys in the file stay as they are. */
export class FileSharedDict implements SharedDict {
  readonly #path: string
  readonly #now: () => number
  #known: { readonly stamp: string; readonly values: ReadonlyMap<string, string> } | undefined

  /** `now`: milliseconds since 1970. */
  constructor(path: string, now: () => number) {
    this.#path = path
    this.#now = now
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const values = await this.#read()
    return [...values.keys()].filter((key) => key.startsWith(prefix))
  }

  async keysFrom(user: string): Promise<readonly string[]> {
    return [...(await this.#read()).keys()].filter((key) => isFrom(key, user))
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

  async #read(): Promise<ReadonlyMap<string, string>> {
    const stamp = await stampOf(this.#path)
    if (this.#known?.stamp === stamp) return this.#known.values
    const values = await this.#load()
    this.#known = { stamp, values }
    return values
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
