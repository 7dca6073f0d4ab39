import type { MailFormat } from './formats/format.ts'
import { IndexFiles } from './index/index-files.ts'
import { SharedMailboxes } from './mailbox/shared-mailboxes.ts'
import type { StoreContext } from './store-context.ts'

/** What the stores of this process share, with indexes on disk. `close` after the last store was closed. */
export function openStoreContext(needs: {
  readonly formats: readonly MailFormat[]
  readonly hostname: string
}): StoreContext & { close(): Promise<void> } {
  const mailboxes = new SharedMailboxes()
  const indexes = new IndexFiles()
  return {
    formats: new Map(needs.formats.map((format) => [format.name, format])),
    mailboxes,
    indexes,
    hostname: needs.hostname,
    now: () => Date.now(),
    async close() {
      await mailboxes.close()
      indexes.close()
    },
  }
}
