// What a source of ACLs owes to those who ask it.
import type { AclFileProblem } from '../acl-file.ts'
import type { AclLine } from '../acl-line.ts'
import type { AclChange } from '../change.ts'
import type { AclEntry } from '../entries.ts'
import type { AclNamespace } from '../namespace.ts'

export type AclObject =
  | {
      readonly kind: 'entries'
      /** Sorted as they are weighed. */
      readonly entries: readonly AclEntry[]
      /** When a grant ends and the object is old, in milliseconds since 1970. */
      readonly validUntilMs: number
      /** Whole seconds, of the local file or, when there is none, the global one; 0: there is neither. For dovecot-acl-list. */
      readonly mtimeSecs: number
    }
  /** A file that cannot be read as entries. Nobody but the owner may learn that the mailbox exists. */
  | { readonly kind: 'broken'; readonly problem: AclFileProblem }

export interface AclUpdate {
  readonly isChanged: boolean
  /** The lines of the identifier before and after, for the audit log. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/**
 * ACLs of one session's namespaces. Mailboxes are given by storage name, existing or not; the empty name is the namespace's
 * default object. As long as nothing changes, the same mailbox is the same object.
 */
export interface AclBackend {
  object(namespace: AclNamespace, mailbox: string): AclObject | Promise<AclObject>
  /**
   * Changes whenever an object may have become another before its time; with it, `freshUntilMs` says how long the object that was
   * given last is believed, in milliseconds since 1970. 0: not at all.
   */
  readonly version: number
  freshUntilMs(namespace: AclNamespace, mailbox: string): number
  /** The administrator's files name this mailbox. */
  hasGlobalEntries(namespace: AclNamespace, mailbox: string): boolean | Promise<boolean>
  /** Changes the local entries; two writers lose neither. Rejects with AclNotUpdated. */
  update(namespace: AclNamespace, mailbox: string, change: AclChange): Promise<AclUpdate>
  /** Gives a new mailbox the local entries of another, and resolves with them; does nothing when there are none. */
  copy(namespace: AclNamespace, from: string, to: string): Promise<readonly AclLine[]>
  /** The mailbox is new or gone: what was known of its name is not true any more. Without one, of all in the namespace. */
  forget(namespace: AclNamespace, mailbox?: string): void
  /** Takes local lines out whose time is over; resolves with them. Until then they count for nothing here, but for Dovecot. */
  expire(namespace: AclNamespace, mailbox: string): Promise<readonly string[]>
}

/** The entries could not be changed; the message is for the log. */
export class AclNotUpdated extends Error {
  override readonly name = 'AclNotUpdated'
}
