import { renameSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { StoreRefusal } from '../../refusal.ts'
import { hasCode } from './disk.ts'

/** What a process that died left in the trash is removed by whoever lists mailboxes after this long, as in Dovecot. */
const FORGOTTEN_MS = 3_600_000
const ATTEMPTS = 10

/** Deletions of this process that use a trash, one behind the other: it has room for one directory. */
const queues = new Map<string, Promise<void>>()

/** Removes a directory such that it is gone in one step for everybody else: it is renamed first. Refuses when it is not there. */
export async function moveToTrash(path: string, trash: string, absent: () => StoreRefusal): Promise<void> {
  const before = queues.get(trash)
  const turn = (async () => {
    await before?.catch(() => undefined)
    await renameAndRemove(path, trash, absent)
  })()
  queues.set(trash, turn)
  try {
    await turn
  } finally {
    if (queues.get(trash) === turn) queues.delete(trash)
  }
}

async function renameAndRemove(path: string, trash: string, absent: () => StoreRefusal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(path, trash)
      break
    } catch (error) {
      if (hasCode(error, 'ENOENT')) throw absent()
      // Another process is about to remove what it put there.
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
