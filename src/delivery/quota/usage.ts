import type { QuotaAmount } from '../../storage/quota-hook.ts'

/** Where what is used of a quota root is counted. */
export interface Usage {
  /** What is used; a count may be some seconds old. */
  current(): Promise<QuotaAmount>
  /** What is used now, also by others. */
  fresh(): Promise<QuotaAmount>
  /** So much was added, less than 0 when it was removed. */
  note(added: QuotaAmount): void | Promise<void>
  /** Counts all mailboxes again. */
  recount(): Promise<void>
  /** What a message or some count for. */
  sizeOf(amount: QuotaAmount): number
}
