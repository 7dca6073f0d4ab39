import { statSync } from 'node:fs'

/** Two changes may have one timestamp: one that is younger may be followed by another that does not show. */
const SETTLED_MS = 2_000

/** Inodes, times and sizes of files and directories; `undefined` when one is not there or changed just now. */
export function signatureOf(paths: readonly string[], nowMs: number): string | undefined {
  const parts: string[] = []
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined || stat.mtimeMs > nowMs - SETTLED_MS) return undefined
    parts.push(`${stat.ino}.${stat.mtimeMs}.${stat.size}`)
  }
  return parts.join(' ')
}
