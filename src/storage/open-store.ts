import type { QuotaHook } from './quota-hook.ts'
import type { NamespaceSpec } from './namespace.ts'
import type { Places } from './places.ts'
import type { StoreContext, StoreSettings } from './store-context.ts'
import type { MailStore } from './store.ts'
import type { StoreNotice } from './store-notice.ts'
import type { MailboxChanges } from './update-mailbox.ts'
import { UserStore } from './user-store.ts'

export interface StoreOptions {
  readonly user: string
  /** In configuration order; see `effectiveNamespaces`. */
  readonly namespaces: readonly NamespaceSpec[]
  readonly settings: StoreSettings
  readonly context: StoreContext
  /** Other users whose mailboxes may be visible in shared namespaces; names as in the ACL's shared dictionary. */
  readonly owners?: () => Promise<readonly string[]>
  readonly quota?: QuotaHook
  /** Where its mailboxes are, for those who look at the same mail in another way; made of these options. */
  readonly places?: Places
  readonly notice?: StoreNotice
  log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void
}

/** The mail of one user, for whoever may do anything with it. */
export interface OwnMailStore extends MailStore {
  /** Changes what is known of a mailbox: UIDVALIDITY, GUID, how UIDs and MODSEQs go on. */
  update(name: string, changes: MailboxChanges): Promise<void>
}

/** The mail of one user. Opens nothing before it is needed; whoever opened it closes it. */
export function openStore(options: StoreOptions): OwnMailStore {
  return new UserStore(options)
}
