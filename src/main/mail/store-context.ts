import { hostname } from 'node:os'
import { mailFormats } from '../../storage/formats/index.ts'
import { MemoryIndex } from '../../storage/index/memory-index.ts'
import { SharedMailboxes } from '../../storage/mailbox/shared-mailboxes.ts'
import type { StoreContext } from '../../storage/store-context.ts'

/** What all stores of a process share. */
export function openStoreContext(): StoreContext {
  return {
    formats: mailFormats(),
    mailboxes: new SharedMailboxes(),
    indexes: { open: () => new MemoryIndex(Date.now) },
    hostname: hostname(),
    now: () => Date.now(),
  }
}
