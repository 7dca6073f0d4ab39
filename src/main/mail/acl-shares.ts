import { AclFiles } from '../../acl/acl-files.ts'
import { type AclAuditLog, openAuditLog } from '../../acl/audit-log.ts'
import type { SharedDict } from '../../acl/visibility/shared-dict.ts'
import type { LogLevel, Observer } from '../../observe/events.ts'
import { GrantSweeps } from './grant-sweeps.ts'
import { openAclDict } from './shared-dicts.ts'

/** What all users of ACLs in one process share. */
export interface AclShares {
  readonly files: AclFiles
  readonly sweeps: GrantSweeps
  /** `acl_shared_dict`, opened once; `undefined` where there is none or it cannot be used. */
  dict(uri: string | undefined, complain: (text: string) => void): SharedDict | undefined
  /** `acl_audit_log`. */
  audit(path: string | undefined): AclAuditLog | undefined
}

/** `dicts`: the `dict {}` block of the newest configuration. */
export function openAclShares(observer: Observer, named: () => ReadonlyMap<string, string>): AclShares {
  const dicts = new Map<string, SharedDict | string>()
  const audits = new Map<string, AclAuditLog>()
  const log = (level: LogLevel, text: string): void => observer.log(level, 'acl', text)
  return {
    files: new AclFiles({ now: Date.now, log }),
    sweeps: new GrantSweeps(),
    dict(uri, complain) {
      if (uri === undefined) return undefined
      const known = dicts.get(uri) ?? openAclDict(uri, { named: named(), log })
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
