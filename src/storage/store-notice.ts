import type { Mailbox } from './store.ts'

/** Is told of changes that the store makes by itself; of all others whoever asks for them knows. */
export interface StoreNotice {
  /** A mailbox was made because somebody used it: INBOX, or one with `auto`. */
  created(name: string): void
  /** `autoexpunge` is about to remove messages; what it resolves with is called once they are gone. */
  expunging(mailbox: Mailbox, uids: readonly number[]): Promise<() => void>
}
