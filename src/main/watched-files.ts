import { readFileSync, unwatchFile, watchFile } from 'node:fs'

/** Files that are looked at now and then, to tell when they are not any more what was read of them. */
export class WatchedFiles {
  readonly #everyMs: number
  readonly #read: () => ReadonlyMap<string, Uint8Array>
  readonly #changed: () => void
  #paths: readonly string[] = []
  #timer: NodeJS.Timeout | undefined

  /** `read`: the files and what was read of them last. */
  constructor(everyMs: number, read: () => ReadonlyMap<string, Uint8Array>, changed: () => void) {
    this.#everyMs = everyMs
    this.#read = read
    this.#changed = () => changed()
  }

  /** Those that are looked at. */
  get paths(): readonly string[] {
    return this.#paths
  }

  /** Looks at the files that are read now. */
  watch(): void {
    this.close()
    this.#paths = [...this.#read().keys()]
    for (const path of this.#paths) watchFile(path, { interval: this.#everyMs, persistent: false }, this.#changed)
    // Node compares with its own first look: what came between the reading and that is only seen in the file.
    this.#timer = setTimeout(() => {
      if ([...this.#read()].some(([path, content]) => isOther(path, content))) this.#changed()
    }, this.#everyMs).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const path of this.#paths) unwatchFile(path, this.#changed)
    this.#paths = []
  }
}

/** A file that cannot be read is nothing new. */
function isOther(path: string, content: Uint8Array): boolean {
  try {
    return !readFileSync(path).equals(content)
  } catch {
    return false
  }
}
