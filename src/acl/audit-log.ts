// Who changed which rights: one JSON object a line, appended and never changed.
import { open } from 'node:fs/promises'

/** Who made a change, and from where. */
export interface AclActor {
  /** The user whose session it was; `doveadm` for the administrator. */
  readonly user: string
  readonly master_user?: string
  readonly remote_ip?: string
  readonly session?: string
  /** `imap`, `doveadm`, `expiry`. */
  readonly service: string
}

export interface AclAuditRecord extends AclActor {
  readonly action: 'set' | 'copy' | 'expire'
  /** Virtual name, and whose mail it is in. */
  readonly mailbox: string
  readonly owner: string | undefined
  readonly id: string
  /** Lines of this identifier as they stand in the file. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

export interface AclAuditLog {
  /** Resolves when the line is on disk. Rejects with an I/O error; the change has been made. */
  record(record: AclAuditRecord): Promise<void>
}

/** `acl_audit_log`: several processes may append to the same file. `now`: milliseconds since 1970. */
export function openAuditLog(path: string, now: () => number): AclAuditLog {
  return {
    async record(record) {
      const line = Buffer.from(`${JSON.stringify({ time: new Date(now()).toISOString(), ...record })}\n`)
      await using file = await open(path, 'a', 0o600)
      // One write: lines of other processes stand before or behind it, never within.
      await file.appendFile(line)
      await file.datasync()
    },
  }
}
