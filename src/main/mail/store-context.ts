import { hostname } from 'node:os'
import { mailFormats } from '../../storage/formats/index.ts'
import { IndexFiles } from '../../storage/index/index-files.ts'
import { SharedMailboxes } from '../../storage/mailbox/shared-mailboxes.ts'
import type { StoreContext } from '../../storage/store-context.ts'

/** What all stores of a process share, and how to let go of it. */
export interface OpenStoreContext extends StoreContext {
  /** Closes mailboxes, those in use too, and writes indexes out. */
  close(): Promise<void>
}

export function openStoreContext(): OpenStoreContext {
  const mailboxes = new SharedMailboxes()
  const indexes = new IndexFiles()
  return {
    formats: mailFormats(),
    mailboxes,
    indexes,
    hostname: hostname(),
    now: () => Date.now(),
    async close() {
      await mailboxes.close()
      indexes.close()
    },
  }
}
