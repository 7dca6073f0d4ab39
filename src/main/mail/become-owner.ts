import type { MailOwner } from './mail-owner.ts'

/** Owner of files that belong to nobody else: group and others get nothing. */
const UMASK = 0o077

/**
 * Gives up every right but the owner's and those of further groups, for good: supplementary groups first, then the group, then
 * the user, after which neither can be taken back. Throws when the system refuses.
 */
export function becomeOwner({ uid, gid }: MailOwner, groups: readonly number[] = []): void {
  process.umask(UMASK)
  process.setgroups?.([...new Set([gid, ...groups])])
  process.setgid?.(gid)
  process.setuid?.(uid)
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getgid?.() !== gid) {
    throw new Error(`could not become uid ${uid} gid ${gid}`)
  }
}
