import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new directory that every user of the machine may enter, as servers drop their rights. The name stays short for UNIX socket paths. */
export function makeTempDir(purpose: string): string {
  const dir = mkdtempSync(join(tmpdir(), `postern-${purpose}-`))
  chmodSync(dir, 0o755)
  return dir
}

/** Removes a directory made by `makeTempDir`; one that is gone already is fine. */
export function removeTempDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
}
