import type { Settings } from '../../../config/config.ts'
import { SEEN } from '../../../storage/flags.ts'
import type { Mailbox, MailStore } from '../../../storage/store.ts'

/** INBOX as one POP3 session sees it: numbered once, at its beginning. RFC 1939 §8. */
export interface PopMailbox {
  readonly mailbox: Mailbox
  /** By message number, from 0. */
  readonly messages: readonly PopMessage[]
  /** The largest number with \Seen; 0 is none. */
  readonly lastSeen: number
}

export interface PopMessage {
  readonly uid: number
  /** With CRLF line ends. */
  readonly sizeBytes: number
}

/** Opens INBOX and learns the sizes. Messages with `pop3_deleted_flag` do not exist for POP3. Throws StoreRefusal. */
export async function openPopMailbox(store: MailStore, settings: Settings): Promise<PopMailbox> {
  const mailbox = await store.open('INBOX', 'read-write')
  try {
    await mailbox.sync({ expunge: true, look: 'now' })
    const uids = visibleUids(mailbox, settings.pop3_deleted_flag)
    const sizes = await mailbox.sizes(uids)
    const messages = uids.flatMap((uid) => {
      const sizeBytes = sizes.get(uid)
      return sizeBytes === undefined ? [] : [{ uid, sizeBytes }]
    })
    return { mailbox, messages, lastSeen: messages.findLastIndex(({ uid }) => isSeen(mailbox, uid)) + 1 }
  } catch (error) {
    await mailbox.close()
    throw error
  }
}

function isSeen(mailbox: Mailbox, uid: number): boolean {
  return (mailbox.message(mailbox.sequenceOf(uid)).flags.bits & SEEN) !== 0
}

function visibleUids(mailbox: Mailbox, hiding: string): number[] {
  const uids: number[] = []
  for (let sequence = 1; sequence <= mailbox.count; sequence++) {
    const { uid, flags } = mailbox.message(sequence)
    if (hiding === '' || !flags.keywords.some((keyword) => keyword.toLowerCase() === hiding.toLowerCase()))
      uids.push(uid)
  }
  return uids
}

/**
 * What QUIT does: removes the deleted messages (or hides them, with `pop3_delete_type = flag`), marks the retrieved ones as
 * seen. Throws when some could not be.
 */
export async function updateMailbox(
  mailbox: Mailbox,
  settings: Settings,
  { deleted, retrieved }: { readonly deleted: readonly number[]; readonly retrieved: readonly number[] },
): Promise<void> {
  const silent = { silent: true }
  const kept = retrieved.filter((uid) => !deleted.includes(uid))
  if (!settings.pop3_no_flag_updates && kept.length > 0) {
    await mailbox.store(kept, { mode: 'add', bits: SEEN, keywords: [] }, silent)
  }
  if (deleted.length === 0) return
  if (hides(settings)) {
    await mailbox.store(deleted, { mode: 'add', bits: 0, keywords: [settings.pop3_deleted_flag] }, silent)
    return
  }
  // Without \Deleted, which needs a right of its own: whoever may expunge may delete, as in Dovecot.
  await mailbox.remove(deleted)
}

/** `pop3_delete_type`: `default` is `flag` where `pop3_deleted_flag` is set. */
function hides({ pop3_delete_type: type, pop3_deleted_flag: flag }: Settings): boolean {
  return flag !== '' && (type === 'flag' || type === 'default')
}
