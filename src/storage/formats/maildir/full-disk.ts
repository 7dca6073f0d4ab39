import { StoreRefusal } from '../../refusal.ts'
import { hasCode } from './disk.ts'

/** The refusal for an error that says that there is no room, or that the file system's quota is used up; others as they are. */
export function refusalOfFullDisk(error: unknown): unknown {
  return hasCode(error, 'ENOSPC', 'EDQUOT')
    ? new StoreRefusal('over-quota', 'Not enough disk quota', { cause: error })
    : error
}
