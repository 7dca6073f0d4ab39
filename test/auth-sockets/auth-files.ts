import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A folder `private` for a socket in the server's directory, and files beside it, which users of any name may read. */
export function makeAuthFiles(dir: string): (name: string, text: string) => string {
  mkdirSync(join(dir, 'private'))
  chmodSync(join(dir, 'private'), 0o755)
  return (name, text) => {
    const path = join(dir, name)
    writeFileSync(path, text)
    chmodSync(path, 0o644)
    return path
  }
}
