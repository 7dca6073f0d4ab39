import { closeSync, existsSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './disk.ts'
import { adjustFile, makeDirectory, permissionsOf, type Permissions } from './permissions.ts'

const PARTS = ['cur', 'new', 'tmp'] as const

/** Makes a Maildir's directories where they are missing. `folder`: it is not the root, and says so in `maildirfolder`. */
export function makeMaildir(path: string, folder: boolean, permissions: Permissions): void {
  // Looking first is cheaper than an error: they are there nearly always.
  for (const part of PARTS) if (!existsSync(`${path}/${part}`)) makeMissing(`${path}/${part}`, permissions)
  if (folder) touch(`${path}/maildirfolder`, permissions)
}

/** Makes a directory and those above it where they are missing. */
export function makeParents(path: string, permissions: Permissions): void {
  if (existsSync(path)) return
  makeParents(dirname(path), permissions)
  makeMissing(path, permissions)
}

/** Makes a directory; false when it is there. */
export function makeMissing(path: string, permissions: Permissions): boolean {
  try {
    makeDirectory(path, permissions)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Permissions for what is made below `path`, which may not exist itself yet: those of what is above. */
export function permissionsBelow(path: string): Permissions {
  return existsSync(path) || dirname(path) === path
    ? permissionsOf(path)
    : { directoryMode: 0o700, fileMode: 0o600, gid: undefined }
}

function touch(path: string, permissions: Permissions): void {
  const fd = openSync(path, 'a', permissions.fileMode)
  adjustFile(fd, permissions)
  closeSync(fd)
}
