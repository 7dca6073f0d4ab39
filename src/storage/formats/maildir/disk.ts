import { closeSync, fdatasync, fsync, openSync, unlinkSync } from 'node:fs'
import type { FormatSettings } from '../format.ts'

/** What makes written things survive a power failure. Given by argument, so that tests see that it was called. */
export interface Syncing {
  /** Data and size of an open file. */
  file(fd: number): Promise<void>
  data(fd: number): Promise<void>
  /** The names in a directory. */
  directory(path: string): Promise<void>
}

/** The real thing. */
export const realSyncing: Syncing = {
  file: (fd) => promised((done) => fsync(fd, done)),
  data: (fd) => promised((done) => fdatasync(fd, done)),
  async directory(path) {
    const fd = openSync(path, 'r')
    try {
      await promised((done) => fdatasync(fd, done))
    } finally {
      closeSync(fd)
    }
  },
}

const nothing = async (): Promise<void> => undefined

/** As `mail_fsync` says: everything but `never` syncs what is promised to a client. */
export function syncingFor(settings: FormatSettings, real: Syncing): Syncing {
  return settings.mail_fsync === 'never' ? { file: nothing, data: nothing, directory: nothing } : real
}

function promised(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(error))))
}

/** The path of a file whose name is held as latin1, for `node:fs`. Only names beyond ASCII need a Buffer. */
export function pathOf(directory: string, name: string): string | Buffer {
  return isAscii(name)
    ? `${directory}/${name}`
    : Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')])
}

/** Removes a file; one that is not there is fine. */
export function removeFile(path: string | Buffer): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** Whether an error of `node:fs` has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false
  return true
}
