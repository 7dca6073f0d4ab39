import { StoreRefusal } from '../../refusal.ts'
import { hasCode } from './disk.ts'

/** Whether there is no room, or the file system's quota is used up. */
export function isFullDisk(error: unknown): boolean {
  return hasCode(error instanceof StoreRefusal ? error.cause : error, 'ENOSPC', 'EDQUOT')
}

/** The refusal for an error that says that there is no room; others as they are. */
export function refusalOfFullDisk(error: unknown): unknown {
  return hasCode(error, 'ENOSPC', 'EDQUOT')
    ? new StoreRefusal('over-quota', 'Not enough disk quota', { cause: error })
    : error
}
