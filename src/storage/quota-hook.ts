import type { QuotaRoot } from './store.ts'

/** What limits how much mail a user may have. */
export interface QuotaHook {
  /** It wants to know `storedBytes`. */
  readonly countsStored?: boolean
  /** Roots that a mailbox counts into. */
  roots(mailbox: string): Promise<readonly QuotaRoot[]>
  /** Throws an `over-quota` refusal when so much more does not fit. What is moved from a mailbox of the same root fits always. */
  check(mailbox: string, added: QuotaAmount, movedFrom?: string): Promise<void>
  /** So much was added, for good; less than 0 when it was removed. Never throws. */
  changed(mailbox: string, added: QuotaAmount): void | Promise<void>
}

export interface QuotaAmount {
  readonly messages: number
  /** Lines ending with CRLF. */
  readonly sizeBytes: number
  /** As stored, where that is known and of interest: a Maildir has lines ending with LF. */
  readonly storedBytes?: number
}
