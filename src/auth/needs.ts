import type { Observer } from '../observe/events.ts'
import type { Complaint } from '../config/config.ts'
import type { PenaltyTable } from './penalty.ts'
import type { Revocations } from './revocations.ts'
import type { SharedPasswords } from './shared-passwords.ts'

/** Time as the auth service sees it. Tests hand in one that they move. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs once after `ms`; the returned function takes it back. Does not keep the process alive. */
  timer(ms: number, run: () => void): () => void
}

export interface FileStatus {
  readonly mtimeMs: number
  readonly size: number
  readonly uid: number
  readonly gid: number
}

/** The files that databases read. Methods reject with an error that has a Node `code`. */
export interface AuthFiles {
  stat(path: string): Promise<FileStatus>
  read(path: string): Promise<Buffer>
}

/** Numbers of system users and groups. `undefined`: no such name. */
export interface SystemIds {
  uid(name: string): number | undefined
  gid(name: string): number | undefined
}

/** What the auth service takes from the system. */
export interface AuthNeeds {
  readonly files: AuthFiles
  readonly clock: Clock
  readonly ids: SystemIds
  readonly observer: Observer
  /** A whole number from 0 to `limit` - 1; 0 for a limit of 0. */
  readonly random: (limit: number) => number
  readonly randomBytes: (count: number) => Buffer
  readonly hostname: string
  /** Who waits before the next login. Absent: nobody does. */
  readonly penalties?: SharedPenalties
  /** Whose logins are refused. Absent: nobody's. */
  readonly revocations?: Revocations
  /** What databases told other workers. Absent: there are none. */
  readonly passwords?: SharedPasswords
}

/** Penalties as all workers share them. */
export interface SharedPenalties {
  readonly table: PenaltyTable
  /** For fingerprints of passwords; the same in all processes that share the table. */
  readonly key: Buffer
}

/** The passdbs, userdbs or mechanisms of a configuration cannot work; `message` is the first complaint. */
export class AuthConfigError extends Error {
  override readonly name = 'AuthConfigError'
  readonly complaints: readonly Complaint[]

  constructor(complaints: readonly Complaint[]) {
    super(complaints[0]?.text ?? 'invalid authentication configuration')
    this.complaints = complaints
  }
}
