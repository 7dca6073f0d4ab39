import type { QuotaRoot } from './store.ts'

/** What limits how much mail a user may have. */
export interface QuotaHook {
  /** Roots that a mailbox counts into. */
  roots(mailbox: string): Promise<readonly QuotaRoot[]>
  /** Throws an `over-quota` refusal when so much more does not fit. What is moved from a mailbox of the same root fits always. */
  check(mailbox: string, added: QuotaAmount, movedFrom?: string): Promise<void>
  /** So much was added; less than 0 when it was removed. */
  changed(mailbox: string, added: QuotaAmount): void
}

export interface QuotaAmount {
  readonly messages: number
  readonly sizeBytes: number
}
