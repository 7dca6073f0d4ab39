import { AclFiles } from '../../acl/acl-files.ts'
import { type AclAuditLog, openAuditLog } from '../../acl/audit-log.ts'
import { FileSharedDict } from '../../acl/visibility/file-dict.ts'
import { openSharedDict, type SharedDict } from '../../acl/visibility/shared-dict.ts'
import type { Observer } from '../../observe/events.ts'

/** What all users of ACLs in one process share. */
export interface AclShares {
  readonly files: AclFiles
  /** `acl_shared_dict`, opened once; `undefined` where there is none or it cannot be used. */
  dict(uri: string | undefined, complain: (text: string) => void): SharedDict | undefined
  /** `acl_audit_log`. */
  audit(path: string | undefined): AclAuditLog | undefined
}

export function openAclShares(observer: Observer): AclShares {
  const dicts = new Map<string, SharedDict | string>()
  const audits = new Map<string, AclAuditLog>()
  const drivers = new Map([['file', (path: string) => new FileSharedDict(path, Date.now)]])
  return {
    files: new AclFiles({ now: Date.now, log: (level, text) => observer.log(level, 'acl', text) }),
    dict(uri, complain) {
      if (uri === undefined) return undefined
      const known = dicts.get(uri) ?? openSharedDict(uri, drivers)
      dicts.set(uri, known)
      if (typeof known !== 'string') return known
      complain(known)
      return undefined
    },
    audit(path) {
      if (path === undefined) return undefined
      const known = audits.get(path) ?? openAuditLog(path, Date.now)
      audits.set(path, known)
      return known
    },
  }
}
