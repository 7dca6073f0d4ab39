import { chmodSync, chownSync, fchmodSync, fchownSync, mkdirSync, statSync } from 'node:fs'

/** Modes of what is made inside a directory: as the directory itself, so that groups can share a Maildir. */
export interface Permissions {
  readonly directoryMode: number
  readonly fileMode: number
  /** The group to give things to; `undefined` when they have the right one by themselves. */
  readonly gid: number | undefined
}

const PRIVATE: Permissions = { directoryMode: 0o700, fileMode: 0o600, gid: undefined }
const SETGID = 0o2000

/** Permissions for what is made in `directory`, Dovecot's rules; private ones when it does not exist. */
export function permissionsOf(directory: string): Permissions {
  const stat = statSync(directory, { throwIfNoEntry: false })
  if (stat === undefined) return PRIVATE
  const sameAsWorld = (stat.mode & 0o070) >> 3 === (stat.mode & 0o007)
  const own = (stat.mode & SETGID) !== 0 || sameAsWorld || process.getegid?.() === stat.gid
  return {
    directoryMode: (stat.mode & 0o777) | 0o700,
    fileMode: (stat.mode & 0o666) | 0o600,
    gid: own ? undefined : stat.gid,
  }
}

/** Makes a directory with these permissions whatever the umask is. */
export function makeDirectory(path: string, { directoryMode, gid }: Permissions): void {
  mkdirSync(path, directoryMode)
  if ((directoryMode & process.umask()) !== 0) chmodSync(path, directoryMode)
  if (gid !== undefined) attempt(() => chownSync(path, -1, gid))
}

/** Gives a file just made these permissions whatever the umask is. */
export function adjustFile(fd: number, { fileMode, gid }: Permissions): void {
  if ((fileMode & process.umask()) !== 0) fchmodSync(fd, fileMode)
  if (gid !== undefined) attempt(() => fchownSync(fd, -1, gid))
}

/** A group we are not in: the file is still good for its owner. */
function attempt(change: () => void): void {
  try {
    change()
  } catch {
    // Dovecot logs this and goes on, too.
  }
}
