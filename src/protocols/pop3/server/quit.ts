import { StoreRefusal } from '../../../storage/refusal.ts'
import { updateMailbox } from './pop-mailbox.ts'
import type { PopEnd, PopSession } from './pop-session.ts'

/** QUIT, and with it the UPDATE state: what was marked happens now, or the client is told that it did not. RFC 1939 §6. */
export async function quit(session: PopSession): Promise<PopEnd> {
  const { inbox, mail, deleted, retrieved } = session
  const uidsOf = (numbers: Iterable<number>): number[] =>
    Array.from(numbers, (index) => session.messages[index]?.uid ?? 0)
  try {
    await updateMailbox(inbox.mailbox, mail.settings, { deleted: uidsOf(deleted), retrieved: uidsOf(retrieved) })
    session.expunged = deleted.size
    session.say(deleted.size === 0 ? '+OK Logging out.' : '+OK Logging out, messages deleted.')
  } catch (error) {
    if (!(error instanceof StoreRefusal)) {
      session.say('-ERR [SYS/TEMP] Logging out, some messages not deleted.')
      throw error
    }
    const code = error.code === 'no-permission' ? 'SYS/PERM' : 'SYS/TEMP'
    session.say(`-ERR [${code}] Couldn't update mailbox: ${error.message}`)
  }
  return { reason: 'Logged out' }
}
