import { statSync, unlinkSync } from 'node:fs'
import { fileNamesNow } from './scan.ts'
import { pathOf } from './disk.ts'

/** The Maildir specification: what lies in `tmp` for 36 hours was left by somebody who died. */
const ABANDONED_MS = 36 * 3_600_000

/** Removes abandoned files from a Maildir's `tmp`. Never fails: nobody waits for it. */
export function cleanTemporary(mail: string, nowMs: number): void {
  const directory = `${mail}/tmp`
  try {
    for (const name of fileNamesNow(directory)) {
      const path = pathOf(directory, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat !== undefined && Math.max(stat.mtimeMs, stat.ctimeMs) < nowMs - ABANDONED_MS) unlinkSync(path)
    }
  } catch {
    // Somebody else cleans it, or may.
  }
}
