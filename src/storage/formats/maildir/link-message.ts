import { closeSync, constants, copyFileSync, fsyncSync, linkSync, openSync, statSync, utimesSync } from 'node:fs'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatRecord } from '../format.ts'
import { hasCode, pathOf } from './disk.ts'
import type { MessageFiles } from './message-files.ts'

/** A message of another Maildir. */
export interface LinkSource {
  readonly files: MessageFiles
  readonly record: FormatRecord
}

type Link = (path: string | Buffer, target: string | Buffer) => void

/** What the file system says when a hard link cannot be, and bytes must be copied. */
const CANNOT_LINK = ['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'EEXIST', 'ENOENT'] as const

/** Gives a message's file another name. False when it is gone, or cannot have one there. */
export function tryLink({ files, record }: LinkSource, target: string): boolean {
  try {
    return files.use(record, (directory, name) => linkSync(pathOf(directory, name), target))
  } catch (error) {
    if (hasCode(error, ...CANNOT_LINK)) return false
    throw error
  }
}

/** The same where others of its mailbox had links: one that has too many names is copied. Refuses when it is gone. */
export function linkOrCopy({ files, record }: LinkSource, target: string | Buffer, link: Link = linkSync): void {
  const there = files.use(record, (directory, name) => {
    const path = pathOf(directory, name)
    try {
      link(path, target)
    } catch (error) {
      if (!hasCode(error, 'EMLINK', 'EPERM')) throw error
      copyFile(path, target)
    }
  })
  if (!there) throw new StoreRefusal('expunged', 'Some of the requested messages no longer exist')
}

/** With its time, which is the message's. On disk when it returns. */
function copyFile(path: string | Buffer, target: string | Buffer): void {
  const { atime, mtime } = statSync(path)
  copyFileSync(path, target, constants.COPYFILE_EXCL)
  utimesSync(target, atime, mtime)
  const fd = openSync(target, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
