import type { AuthFiles, Clock } from '../needs.ts'
import type { Dict } from './dict.ts'

const FILE_LIMITS = { lookAgainMs: 1000 } as const
const SHARED = 'shared/'

/** Dovecot's `file` dict: a line with the key, a line with its value. Read again when it has changed, seen once a second. */
export class FileDict implements Dict {
  readonly #path: string
  readonly #files: AuthFiles
  readonly #clock: Clock
  #values: ReadonlyMap<string, string> = new Map()
  #version = ''
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #fault: unknown

  constructor(path: string, { files, clock }: { readonly files: AuthFiles; readonly clock: Clock }) {
    this.#path = path
    this.#files = files
    this.#clock = clock
  }

  async lookup(key: string): Promise<string | undefined> {
    await this.#refresh()
    return this.#values.get(SHARED + key)
  }

  async *keys(prefix: string): AsyncIterable<string> {
    await this.#refresh()
    for (const key of this.#values.keys()) if (key.startsWith(SHARED + prefix)) yield key.slice(SHARED.length)
  }

  async check(): Promise<string | undefined> {
    try {
      await this.#refresh()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  close(): void {
    this.#values = new Map()
  }

  async #refresh(): Promise<void> {
    if (this.#clock.now() - this.#lookedAtMs >= FILE_LIMITS.lookAgainMs) {
      this.#lookedAtMs = this.#clock.now()
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined
      })
    }
    await this.#reading
    if (this.#fault !== undefined) throw this.#fault
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs, size } = await this.#files.stat(this.#path)
      const version = `${mtimeMs} ${size}`
      if (version !== this.#version) {
        this.#values = parse((await this.#files.read(this.#path)).toString('utf8'))
        this.#version = version
      }
      this.#fault = undefined
    } catch (error) {
      this.#version = ''
      this.#fault = new Error(`file ${this.#path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function parse(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n')
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < lines.length; at += 2) values.set(lines[at] ?? '', lines[at + 1] ?? '')
  return values
}
