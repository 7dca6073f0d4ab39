import type { Settings } from '../config/config.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import type { Appending, MailStore } from '../storage/store.ts'

export interface Target {
  readonly appending: Appending
  /** Why the wanted mailbox was not taken. */
  readonly failure?: string
}

/**
 * Opens the wanted mailbox for a delivery. One that is missing is made with `lda_mailbox_autocreate`; where that cannot be,
 * the mail goes to INBOX, which is better than nowhere. Throws StoreRefusal when not even INBOX takes it.
 */
export async function openTarget(store: MailStore, wanted: string, settings: Settings): Promise<Target> {
  try {
    return { appending: await beginOrCreate(store, wanted, settings) }
  } catch (error) {
    if (!(error instanceof StoreRefusal) || wanted === INBOX) throw error
    return {
      appending: await store.beginAppend(INBOX),
      failure: `save failed to open mailbox ${wanted}: ${error.message}`,
    }
  }
}

export const INBOX = 'INBOX'

async function beginOrCreate(store: MailStore, name: string, settings: Settings): Promise<Appending> {
  try {
    return await store.beginAppend(name)
  } catch (error) {
    if (!(error instanceof StoreRefusal) || error.code !== 'not-found' || !settings.lda_mailbox_autocreate) throw error
    await createMissing(store, name, settings)
    return await store.beginAppend(name)
  }
}

async function createMissing(store: MailStore, name: string, settings: Settings): Promise<void> {
  try {
    await store.create(name)
  } catch (error) {
    // Another delivery may have been first.
    if (!(error instanceof StoreRefusal) || error.code !== 'exists') throw error
  }
  if (settings.lda_mailbox_autosubscribe) await store.subscribe(name, true)
}
