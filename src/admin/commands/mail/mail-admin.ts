import type { Column } from '../../output/printer.ts'
import type { MailboxChanges } from '../../../storage/update-mailbox.ts'
import type { AclTask } from './acl-task.ts'

/** What an administrator asks to be done with one user's mail. Plain data: it may cross a socket. */
export type MailTask =
  | {
      readonly kind: 'mailbox-list'
      readonly masks: readonly string[]
      readonly subscribed: boolean
      readonly mutf7: boolean
    }
  | {
      readonly kind: 'mailbox-status'
      readonly fields: string
      readonly masks: readonly string[]
      readonly total: boolean
    }
  | { readonly kind: 'mailbox-create'; readonly names: readonly string[]; readonly subscribe: boolean }
  | {
      readonly kind: 'mailbox-delete'
      readonly names: readonly string[]
      readonly unsubscribe: boolean
      readonly recursive: boolean
      readonly onlyEmpty: boolean
    }
  | { readonly kind: 'mailbox-rename'; readonly from: string; readonly to: string; readonly subscribe: boolean }
  | { readonly kind: 'mailbox-subscribe'; readonly names: readonly string[]; readonly subscribed: boolean }
  | { readonly kind: 'mailbox-update'; readonly mailbox: string; readonly changes: MailboxChanges }
  | { readonly kind: 'search'; readonly query: readonly string[] }
  | { readonly kind: 'fetch'; readonly fields: string; readonly query: readonly string[] }
  | {
      readonly kind: 'flags'
      readonly mode: 'add' | 'remove' | 'replace'
      readonly flags: string
      readonly query: readonly string[]
    }
  /** `deleteEmpty`: mailboxes that are empty behind it go too. */
  | { readonly kind: 'expunge'; readonly query: readonly string[]; readonly deleteEmpty: boolean }
  /** `sourceUser`: whose messages, when they are not the user's own. */
  | {
      readonly kind: 'copy' | 'move'
      readonly to: string
      readonly sourceUser: string | undefined
      readonly query: readonly string[]
    }
  /** `location` is where the mail lies, in the words of `mail_location`; `sourceUser`: whose home and name fill it in. */
  | {
      readonly kind: 'import'
      readonly location: string
      readonly parent: string
      readonly sourceUser: string | undefined
      readonly subscribe: boolean
      readonly query: readonly string[]
    }
  /** The message comes as input. */
  | { readonly kind: 'save'; readonly mailbox: string }
  | { readonly kind: 'force-resync'; readonly mask: string }
  | { readonly kind: 'mailbox-path'; readonly mailbox: string; readonly type: MailboxPath }
  /** `maxRecent`: not mailboxes with more recent messages. */
  | { readonly kind: 'index'; readonly mask: string; readonly maxRecent: number | undefined }
  | { readonly kind: 'deduplicate'; readonly query: readonly string[]; readonly byMessageId: boolean }
  | { readonly kind: 'purge' | 'quota-get' | 'quota-recalc' }
  | { readonly kind: 'acl'; readonly acl: AclTask }

/** Directories of a mailbox, by Dovecot's names. */
export const MAILBOX_PATHS = ['mailbox', 'dir', 'alt-mailbox', 'alt-dir', 'control', 'index', 'index-private'] as const
export type MailboxPath = (typeof MAILBOX_PATHS)[number]

/** What is heard while a task runs. */
export type TaskNews =
  | { readonly kind: 'row'; readonly values: readonly string[] }
  /** Something could not be done; the rest may be. `severity` when it is no error: what else there is to say. */
  | { readonly kind: 'error'; readonly text: string; readonly severity?: 'Info' | 'Fatal' }
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }

export type TaskEnd =
  /** The exit status of doveadm. */
  { readonly kind: 'done'; readonly status: number } | { readonly kind: 'unknown-user' }

/** What `userdb` says of a user. */
export type UserFields =
  | {
      readonly kind: 'found'
      readonly user: string
      readonly fields: readonly (readonly [name: string, value: string])[]
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly reason: string }

export interface TaskRequest {
  /** `undefined`: whoever runs the command, as the environment says. */
  readonly user: string | undefined
  readonly task: MailTask
  /** The message to save. */
  readonly input?: AsyncIterable<Buffer>
}

/** The mail of this machine's users, opened with the rights of their owners. */
export interface MailAdmin {
  /** Looks at a task before anybody's mail is opened. Throws MailTaskError. */
  check(task: MailTask): { readonly columns: readonly Column[] }
  run(request: TaskRequest, hear: (news: TaskNews) => void): Promise<TaskEnd>
  /** All users the userdbs can list. Rejects with what went wrong. */
  users(): AsyncIterable<string>
  lookup(user: string, info: readonly string[]): Promise<UserFields>
  /** Fills in `%variables` of a userdb answer: `mail` and `doveadm user -e`. Rejects with MailTaskError. */
  expand(template: string, user: string, fields: ReadonlyMap<string, string>): Promise<string>
  /** `mail_location` as it is for a user. */
  mailLocation(user: string, fields: ReadonlyMap<string, string>): Promise<string>
}

/** A task makes no sense; the message is Dovecot's. */
export class MailTaskError extends Error {
  override readonly name = 'MailTaskError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}
