import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { hasCode } from './disk.ts'
import { parseHeader, parseRecord, type UidlistHeader } from './uidlist-text.ts'

/** Longer than any line: a base name has 255 bytes at most, and fields are few. */
const END_BYTES = 4096

/** What the beginning and the end of a uidlist tell. */
export interface UidlistEnds {
  readonly header: UidlistHeader
  /** 0 when there are no records. */
  readonly lastUid: number
  readonly sizeBytes: number
  readonly inode: number
}

/**
 * Reads the first and the last line of a uidlist. `undefined` when there is none, or when anything about it is unusual and it
 * must be read whole.
 */
export function readEnds(path: string): UidlistEnds | undefined {
  const fd = openOrUndefined(path)
  if (fd === undefined) return undefined
  try {
    const { size, ino } = fstatSync(fd)
    const head = readAt(fd, 0, Math.min(size, END_BYTES))
    const end = head.indexOf('\n')
    const header = end < 0 ? undefined : parseHeader(head.slice(0, end))
    if (header === undefined || 'complaint' in header || header.version !== 3 || header.guid === undefined)
      return undefined
    const tail = size <= END_BYTES ? head.slice(end + 1) : readAt(fd, size - END_BYTES, END_BYTES)
    const lastUid = uidOfLastLine(tail, size <= END_BYTES)
    return lastUid === undefined ? undefined : { header, lastUid, sizeBytes: size, inode: ino }
  } finally {
    closeSync(fd)
  }
}

function uidOfLastLine(tail: string, whole: boolean): number | undefined {
  if (tail === '') return 0
  if (!tail.endsWith('\n')) return undefined
  const start = tail.lastIndexOf('\n', tail.length - 2)
  if (start < 0 && !whole) return undefined
  const record = parseRecord(tail.slice(start + 1, -1), 3)
  return 'complaint' in record ? undefined : record.uid
}

function openOrUndefined(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function readAt(fd: number, position: number, length: number): string {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.toString('latin1', 0, readSync(fd, bytes, 0, length, position))
}
