import { renameSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { StoreRefusal } from '../../refusal.ts'
import { hasCode } from './disk.ts'

/** What a process that died left in the trash is removed by whoever lists mailboxes after this long, as in Dovecot. */
const FORGOTTEN_MS = 3_600_000
const ATTEMPTS = 3

/** Removes a directory such that it is gone in one step for everybody else: it is renamed first. Refuses when it is not there. */
export async function moveToTrash(path: string, trash: string, absent: () => StoreRefusal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(path, trash)
      break
    } catch (error) {
      if (hasCode(error, 'ENOENT')) throw absent()
      if (!hasCode(error, 'EEXIST', 'ENOTEMPTY') || attempt === ATTEMPTS) throw error
      await removeTree(trash)
    }
  }
  await removeTree(trash)
}

/** Removes a directory with everything in it; one that is not there is fine. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 2 })
}

/** Whether a trash directory was left behind. */
export function isForgotten(trash: string, nowMs: number): boolean {
  const stat = statSync(trash, { throwIfNoEntry: false })
  return stat !== undefined && stat.ctimeMs < nowMs - FORGOTTEN_MS
}
