import type { Delivery } from '../../delivery/delivery.ts'
import type { UserQuota } from '../../delivery/quota/user-quota.ts'
import type { MailSession } from '../../protocols/mail-session.ts'
import type { OwnMailStore } from '../../storage/open-store.ts'
import type { MailStore } from '../../storage/store.ts'
import type { ImportSource } from './tasks/import-task.ts'
import type { DeliveryOrder, SessionOrder, TaskOrder } from './mail-order.ts'

/** Opens users' mail in this process, which has the rights to. */
export interface MailHost {
  /** `signal` ends the session. Throws StoreRefusal; everything else it throws is for the log. */
  openSession(order: SessionOrder, signal: AbortSignal): Promise<OpenSession>
  openDelivery(order: DeliveryOrder): Promise<OpenDelivery>
  /** For an administrator's work. */
  openTask(order: TaskOrder): Promise<OpenTask>
  /** Lets go of everything that sessions share. */
  close(): Promise<void>
}

export interface OpenSession {
  readonly session: MailSession
  /** Closes the mail; the session must be over. */
  close(): Promise<void>
}

export interface OpenTask {
  readonly store: MailStore
  readonly quota: UserQuota | undefined
  /** Where a mailbox lies, by Dovecot's names of its directories. */
  readonly directories: (mailbox: string) => Promise<ReadonlyMap<string, string>>
  /** Changes what is known of a mailbox, whatever the rights are. */
  readonly update: OwnMailStore['update']
  /** The other user's. */
  readonly source: MailStore | undefined
  readonly imported: ImportSource | undefined
  readonly logFault: (error: unknown) => void
  close(): Promise<void>
}

export interface OpenDelivery {
  readonly delivery: Delivery
  close(): Promise<void>
}
