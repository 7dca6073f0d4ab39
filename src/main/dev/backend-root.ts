import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where the sample backends live. */
export interface BackendRoot {
  readonly path: string
  /** Removes it, when it is only for this run. */
  cleanUp(): void
}

/**
 * `directory`, or a temporary one where the users that Dovecot switches to cannot get there: root's checkout in /root, say.
 */
export function backendRoot(directory: string): BackendRoot {
  if (process.getuid?.() !== 0 || isReachableByAll(directory)) return { path: directory, cleanUp() {} }
  const path = mkdtempSync(join(tmpdir(), 'postern-backends-'))
  chmodSync(path, 0o755)
  return { path, cleanUp: () => rmSync(path, { recursive: true, force: true }) }
}

const ANYBODY_MAY_ENTER = 0o001

function isReachableByAll(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    if ((statSync(path).mode & ANYBODY_MAY_ENTER) === 0) return false
    if (path === dirname(path)) return true
  }
}
